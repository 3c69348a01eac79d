//! The API through its router, as API Gateway calls it, with everything around it in memory.

mod crash;
mod description;
mod email_change;
mod house;
mod invitations;
mod logs;
mod requests;
