//! Does a tool own the pool, which sets the triggers to its own?

use super::{Facts, Finding};

pub(super) fn check(facts: &Facts) -> Option<Finding> {
    Some(match facts.owner.as_ref()? {
        Ok(owner) => Finding::note(
            "pool_has_owner",
            owner,
            &owner.next_deployment(),
            format!("Attach the functions there, and keep a file for --expect ({})", owner.page()),
        ),
        // No warning: nothing is wrong, and most pools say who owns them with a tag.
        Err(why) => Finding::note(
            "owner_unknown",
            "the pool's owner",
            &format!("CloudFormation does not say whether a stack owns the pool ({why})"),
            "Allow cloudformation:DescribeStackResources and run doctor again",
        ),
    })
}
