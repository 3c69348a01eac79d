//! Links the identity of a deleted profile, as the trigger would.

use super::Merger;
use super::outcome::{Incomplete, StepResult, Stop};
use crate::journal::{Begin, Entry, Journal, Linked};
use cognito_core::user_pool::Administration;
use linking::{LinkError, Refusal};

impl<P: Administration> Merger<'_, P> {
    /// Links the identity and copies its groups. Returns `Ok(Err(_))` if the pool should be read again.
    pub(super) async fn settle(
        &self,
        journal: &mut impl Journal,
        begin: &Begin,
    ) -> Result<Result<StepResult, String>, Stop> {
        let arrival = self.rules.arrival(&begin.profile).map_err(|reason| Stop::failed(reason.code()))?;
        let guard = self.guard(begin);
        let settlement = match self.linker(&guard, begin).settle(&arrival).await {
            Ok(settlement) => settlement,
            Err(LinkError::Refused(Refusal::EmailHeldByFederatedProfile)) => return Err(Stop::AddressTaken),
            Err(LinkError::Refused(refusal)) => return Err(Stop::failed(refusal.kind().code)),
            Err(LinkError::Pool(error) | LinkError::Unsettled(error)) => return Stop::or_again(error),
        };
        let Some(native) = settlement.profile else { return Err(Stop::failed(settlement.decision.name())) };
        let another_name = begin.into.as_deref().is_some_and(|into| into != native.user_name.as_str());
        if another_name || begin.into_sub.as_ref().is_some_and(|sub| *sub != native.sub) {
            return Err(Stop::failed("linked to another profile"));
        }
        let mut left_out = begin.left_out.clone();
        left_out.extend(guard.left_out());
        let user_name = begin.profile.user_name.clone();
        let linked = Linked {
            user_name: user_name.clone(),
            decision: settlement.decision.name().to_owned(),
            into: native.user_name.as_str().to_owned(),
            into_sub: native.sub.clone(),
            left_out: left_out.clone(),
        };
        journal.write(Entry::Linked(Box::new(linked))).await?;
        if begin.into.is_none() {
            let joined = async {
                let user = self.pool.checked(&native.user_name, &native.sub).await?;
                self.join(&user, &begin.add_groups).await
            };
            joined.await.map_err(|stop| stop.after(Incomplete::NotInGroups))?;
        }
        journal.write(Entry::Done { user_name }).await?;
        Ok(Ok(if left_out.is_empty() { StepResult::Done } else { StepResult::DoneWithout(left_out) }))
    }
}
