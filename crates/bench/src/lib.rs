//! What a function costs: from its start to its first answer, per event after that, in memory and on disk.
//!
//! Every figure that depends on the machine is given beside that of a bare function measured in the same run,
//! in turns, so that only the ratio has to be compared. The parts:
//!
//! * [`stand_in`] plays Cognito over TLS, with a delay per call, and keeps a list of the calls;
//! * [`lambda`] plays the Lambda Runtime API for one process and takes the times;
//! * [`usage`] reads what the system has booked to a process;
//! * [`cpu`] gives a process the share of a core that Lambda would give it;
//! * [`size`] and [`instructions`] are what no clock is needed for;
//! * [`case`] holds what is measured and what must be reached;
//! * [`measure`] runs it; [`report`] prints and compares it.

pub mod case;
mod command;
pub mod cpu;
pub mod instructions;
pub mod lambda;
pub mod measure;
pub mod report;
pub mod size;
pub mod stand_in;
pub mod usage;

pub use command::{Options, run};
