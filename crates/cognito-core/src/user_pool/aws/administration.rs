//! The operator's verbs over the SDK.

use super::secret_hash::secret_hash;
use super::{AwsUserPool, PAGE, attribute, failed, read};
use crate::user_pool::{
    Administration, AppClient, AppClients, CheckedUserName, Delivery, NewRegistration, Page, PasswordPolicy, PoolError,
    PoolErrorKind, PoolSettings, ProfileRecord, Registered, UserName,
};
use aws_sdk_cognitoidentityprovider::Config;
use aws_sdk_cognitoidentityprovider::config::retry::RetryConfig;
use aws_sdk_cognitoidentityprovider::types::{
    AdminCreateUserConfigType, AliasAttributeType, SchemaAttributeType, UserPoolClientType, UserPoolType,
    UsernameAttributeType, VerifiedAttributeType,
};
use std::collections::BTreeMap;

impl Administration for AwsUserPool {
    async fn settings(&self) -> Result<PoolSettings, PoolError> {
        Ok(settings(&self.described().await?))
    }

    async fn page(&self, token: Option<&str>) -> Result<Page, PoolError> {
        let call = self.client.list_users().user_pool_id(&self.id).limit(PAGE);
        let page = call.set_pagination_token(token.map(str::to_owned)).send().await.map_err(failed("ListUsers"))?;
        Ok(Page {
            records: page.users().iter().map(read::listed_record).collect(),
            next: page.pagination_token().map(str::to_owned),
        })
    }

    async fn found_by(&self, name: &str) -> Result<Option<ProfileRecord>, PoolError> {
        Ok(self.get_user(name).await?.as_ref().map(read::record))
    }

    async fn groups(&self, user: &UserName) -> Result<Vec<String>, PoolError> {
        let call = self.client.admin_list_groups_for_user().user_pool_id(&self.id).username(user.as_str());
        // The SDK's paginator would end the list at a repeated token.
        let mut pages = call.limit(PAGE).into_paginator().stop_on_duplicate_token(false).send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed("AdminListGroupsForUser"))?;
            names.extend(page.groups().iter().filter_map(|group| group.group_name().map(str::to_owned)));
        }
        Ok(names)
    }

    async fn members(&self, group: &str, token: Option<&str>) -> Result<Page, PoolError> {
        let call = self.client.list_users_in_group().user_pool_id(&self.id).group_name(group).limit(PAGE);
        let page = call.set_next_token(token.map(str::to_owned)).send().await.map_err(failed("ListUsersInGroup"))?;
        Ok(Page {
            records: page.users().iter().map(read::listed_record).collect(),
            next: page.next_token().map(str::to_owned),
        })
    }

    async fn sign_in_factors(&self, user: &UserName) -> Result<Vec<String>, PoolError> {
        let call = self.client.admin_get_user_auth_factors().user_pool_id(&self.id).username(user.as_str());
        let factors = call.send().await.map_err(failed("AdminGetUserAuthFactors"))?;
        Ok(factors.configured_user_auth_factors().iter().map(|factor| factor.as_str().to_owned()).collect())
    }

    async fn write_attributes(
        &self,
        user: &CheckedUserName,
        attributes: &BTreeMap<String, String>,
    ) -> Result<(), PoolError> {
        let attributes = attributes.iter().map(|(name, value)| attribute(name, value)).collect::<Result<_, _>>()?;
        self.update(user, attributes).await
    }

    async fn remove_attributes(&self, user: &CheckedUserName, names: &[String]) -> Result<(), PoolError> {
        let call = self.client.admin_delete_user_attributes().user_pool_id(&self.id).username(user.as_str());
        let call = call.set_user_attribute_names(Some(names.to_vec()));
        call.send().await.map_err(failed("AdminDeleteUserAttributes"))?;
        Ok(())
    }

    async fn leave_group(&self, user: &CheckedUserName, group: &str) -> Result<(), PoolError> {
        let call = self.client.admin_remove_user_from_group().user_pool_id(&self.id).username(user.as_str());
        call.group_name(group).send().await.map_err(failed("AdminRemoveUserFromGroup"))?;
        Ok(())
    }
}

impl AppClients for AwsUserPool {
    async fn app_clients(&self) -> Result<Vec<AppClient>, PoolError> {
        let pages = self.client.list_user_pool_clients().user_pool_id(&self.id).into_paginator().items().send();
        let listed = pages.try_collect().await.map_err(failed("ListUserPoolClients"))?;
        let mut clients = Vec::new();
        for id in listed.iter().filter_map(|client| client.client_id()) {
            clients.extend(self.app_client(id).await?);
        }
        Ok(clients)
    }

    async fn app_client(&self, id: &str) -> Result<Option<AppClient>, PoolError> {
        let call = self.client.describe_user_pool_client().user_pool_id(&self.id).client_id(id);
        match call.send().await.map_err(failed("DescribeUserPoolClient")) {
            Ok(described) => Ok(described.user_pool_client().map(|client| app_client(id, client))),
            Err(gone) if gone.kind() == PoolErrorKind::ResourceNotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn sign_up(&self, client: &AppClient, new: &NewRegistration<'_>) -> Result<Registered, PoolError> {
        let mut call = self.client.sign_up().client_id(&client.id).username(new.user_name).password(new.password);
        for (name, value) in new.attributes {
            call = call.user_attributes(attribute(name, value)?);
        }
        for (name, value) in new.client_metadata {
            call = call.client_metadata(name, value);
        }
        let call = call.set_secret_hash(client.secret().map(|secret| secret_hash(secret, new.user_name, &client.id)));
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let made = call.customize().config_override(once).send().await.map_err(failed("SignUp"))?;
        Ok(Registered {
            sub: made.user_sub().to_owned(),
            confirmed: made.user_confirmed(),
            delivery: made.code_delivery_details().map(|details| Delivery {
                medium: details.delivery_medium().map(|medium| medium.as_str().to_owned()).unwrap_or_default(),
                destination: details.destination().unwrap_or_default().to_owned(),
            }),
        })
    }
}

fn settings(pool: &UserPoolType) -> PoolSettings {
    let named = |wanted: fn(&SchemaAttributeType) -> bool| {
        let attributes = pool.schema_attributes().iter().filter(|attribute| wanted(attribute));
        attributes.filter_map(|attribute| attribute.name().map(str::to_owned)).collect::<Vec<_>>()
    };
    let policy = pool.policies().and_then(|policies| policies.password_policy());
    PoolSettings {
        estimated_users: u64::try_from(pool.estimated_number_of_users()).unwrap_or_default(),
        user_name_attributes: names(pool.username_attributes(), UsernameAttributeType::as_str),
        email_is_alias: pool.alias_attributes().contains(&AliasAttributeType::Email),
        mutable_attributes: named(|attribute| attribute.mutable().unwrap_or_default()),
        required_attributes: read::required(pool).into_iter().map(|attribute| attribute.name).collect(),
        auto_verified_attributes: names(pool.auto_verified_attributes(), VerifiedAttributeType::as_str),
        administrators_only: pool
            .admin_create_user_config()
            .is_some_and(AdminCreateUserConfigType::allow_admin_create_user_only),
        password_policy: policy.map_or_else(PasswordPolicy::default, read::password_policy),
    }
}

fn app_client(id: &str, client: &UserPoolClientType) -> AppClient {
    let secret = client.client_secret().filter(|secret| !secret.is_empty()).map(str::to_owned);
    let providers = client.supported_identity_providers().to_vec();
    let mut read = AppClient::new(id, client.write_attributes().to_vec(), secret).with_providers(providers);
    read.hides_missing_users =
        client.prevent_user_existence_errors().is_some_and(|errors| errors.as_str() == "ENABLED");
    read
}

fn names<T>(list: &[T], name: impl Fn(&T) -> &str) -> Vec<String> {
    list.iter().map(|one| name(one).to_owned()).collect()
}

#[cfg(test)]
mod tests;
