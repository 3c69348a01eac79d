//! skeleton
pub mod pages;
