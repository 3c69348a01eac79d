//! The operator's port over the AWS SDK.

use super::{LinkedAs, Page, PoolFacts, Record, Registry};
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::primitives::DateTime;
use aws_sdk_cognitoidentityprovider::types::{
    AttributeType, ProviderUserIdentifierType, UserPoolClientType, UserStatusType, UsernameAttributeType,
    VerifiedAttributeType,
};
use cognito_core::user_pool::aws::failed;
use cognito_core::user_pool::{PoolError, PoolErrorKind, UserName};
use std::collections::BTreeMap;

/// The most profiles a page of `ListUsers` may have, and the most groups one of `AdminListGroupsForUser`
/// (API model, `QueryLimitType`).
const PAGE: i32 = 60;

/// One pool behind the SDK.
#[derive(Clone, Debug)]
pub(crate) struct AwsRegistry {
    client: Client,
    pool: String,
}

impl AwsRegistry {
    pub(crate) fn new(client: Client, pool: &str) -> Self {
        Self { client, pool: pool.to_owned() }
    }
}

impl AwsRegistry {
    /// The ids of the app clients whose users may declare their own address as verified.
    ///
    /// # Errors
    ///
    /// The pool's.
    pub(crate) async fn clients_that_write_email_verified(&self) -> Result<Vec<String>, PoolError> {
        let pages = self.client.list_user_pool_clients().user_pool_id(&self.pool).into_paginator().items().send();
        let listed = pages.try_collect().await.map_err(failed("ListUserPoolClients"))?;
        let mut found = Vec::new();
        for id in listed.iter().filter_map(|client| client.client_id()) {
            let call = self.client.describe_user_pool_client().user_pool_id(&self.pool).client_id(id);
            let answer = call.send().await.map_err(failed("DescribeUserPoolClient"))?;
            let writes = answer.user_pool_client().map(UserPoolClientType::write_attributes).unwrap_or_default();
            if writes.iter().any(|name| name == "email_verified") {
                found.push(id.to_owned());
            }
        }
        Ok(found)
    }
}

impl Registry for AwsRegistry {
    async fn facts(&self) -> Result<PoolFacts, PoolError> {
        let answer = self.client.describe_user_pool().user_pool_id(&self.pool).send().await;
        let answer = answer.map_err(failed("DescribeUserPool"))?;
        let pool = answer
            .user_pool()
            .ok_or_else(|| PoolError::new(PoolErrorKind::Other, "DescribeUserPool", "no pool in the answer"))?;
        let kept = pool.user_attribute_update_settings().is_some_and(|settings| {
            settings.attributes_require_verification_before_update().contains(&VerifiedAttributeType::Email)
        });
        let required = pool.schema_attributes().iter().filter(|attribute| attribute.required().unwrap_or_default());
        let user_names = pool.username_attributes();
        let mutable = pool.schema_attributes().iter().filter(|attribute| attribute.mutable().unwrap_or_default());
        Ok(PoolFacts {
            estimated_users: u64::try_from(pool.estimated_number_of_users()).unwrap_or_default(),
            email_is_user_name: user_names.contains(&UsernameAttributeType::Email),
            only_phone_is_user_name: user_names == [UsernameAttributeType::PhoneNumber],
            keeps_address_until_verified: kept,
            mutable_attributes: mutable.filter_map(|attribute| attribute.name().map(str::to_owned)).collect(),
            required_attributes: required.filter_map(|attribute| attribute.name().map(str::to_owned)).collect(),
        })
    }

    async fn page(&self, token: Option<&str>) -> Result<Page, PoolError> {
        let call = self.client.list_users().user_pool_id(&self.pool).limit(PAGE);
        let page = call.set_pagination_token(token.map(str::to_owned)).send().await.map_err(failed("ListUsers"))?;
        let record = |user: &aws_sdk_cognitoidentityprovider::types::UserType| Record {
            user_name: user.username().unwrap_or_default().to_owned(),
            status: status(user.user_status()),
            enabled: user.enabled(),
            created: seconds(user.user_create_date()),
            attributes: values(user.attributes()),
        };
        Ok(Page {
            records: page.users().iter().map(record).collect(),
            next: page.pagination_token().map(str::to_owned),
        })
    }

    async fn record(&self, user_name: &str) -> Result<Option<Record>, PoolError> {
        let call = self.client.admin_get_user().user_pool_id(&self.pool).username(user_name);
        let user = match call.send().await.map_err(failed("AdminGetUser")) {
            Ok(user) => user,
            Err(gone) if gone.kind() == PoolErrorKind::UserNotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let record = Record {
            user_name: user.username().to_owned(),
            status: status(user.user_status()),
            enabled: user.enabled(),
            created: seconds(user.user_create_date()),
            attributes: values(user.user_attributes()),
        };
        // The call takes aliases as well, and an alias may be named like a profile that is gone.
        Ok(Some(record).filter(|record| record.user_name == user_name))
    }

    async fn groups(&self, user: &UserName) -> Result<Vec<String>, PoolError> {
        let call = self.client.admin_list_groups_for_user().user_pool_id(&self.pool).username(user.as_str());
        let mut pages = call.limit(PAGE).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed("AdminListGroupsForUser"))?;
            names.extend(page.groups().iter().filter_map(|group| group.group_name().map(str::to_owned)));
        }
        Ok(names)
    }

    async fn write_attributes(&self, user: &UserName, attributes: &BTreeMap<String, String>) -> Result<(), PoolError> {
        let mut call = self.client.admin_update_user_attributes().user_pool_id(&self.pool).username(user.as_str());
        for (name, value) in attributes {
            let attribute = AttributeType::builder().name(name).value(value).build();
            call = call.user_attributes(attribute.map_err(|_| {
                PoolError::new(PoolErrorKind::Other, "AdminUpdateUserAttributes", "an attribute without a name")
            })?);
        }
        call.send().await.map_err(failed("AdminUpdateUserAttributes"))?;
        Ok(())
    }

    async fn remove_attributes(&self, user: &UserName, names: &[String]) -> Result<(), PoolError> {
        let call = self.client.admin_delete_user_attributes().user_pool_id(&self.pool).username(user.as_str());
        call.set_user_attribute_names(Some(names.to_vec()))
            .send()
            .await
            .map_err(failed("AdminDeleteUserAttributes"))?;
        Ok(())
    }

    async fn leave_group(&self, user: &UserName, group: &str) -> Result<(), PoolError> {
        let call = self.client.admin_remove_user_from_group().user_pool_id(&self.pool).username(user.as_str());
        call.group_name(group).send().await.map_err(failed("AdminRemoveUserFromGroup"))?;
        Ok(())
    }

    async fn disconnect(&self, identity: &LinkedAs) -> Result<(), PoolError> {
        let user = ProviderUserIdentifierType::builder()
            .provider_name(&identity.provider)
            .provider_attribute_name(&identity.attribute)
            .provider_attribute_value(&identity.value);
        let call = self.client.admin_disable_provider_for_user().user_pool_id(&self.pool).user(user.build());
        call.send().await.map_err(failed("AdminDisableProviderForUser"))?;
        Ok(())
    }
}

fn status(status: Option<&UserStatusType>) -> String {
    status.map(UserStatusType::as_str).unwrap_or_default().to_owned()
}

fn seconds(time: Option<&DateTime>) -> Option<u64> {
    time.and_then(|time| u64::try_from(time.secs()).ok())
}

fn values(attributes: &[AttributeType]) -> BTreeMap<String, String> {
    let pair = |attribute: &AttributeType| Some((attribute.name().to_owned(), attribute.value()?.to_owned()));
    attributes.iter().filter_map(pair).collect()
}
