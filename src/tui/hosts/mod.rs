//! The hosts screen: what each machine has, what it uses, and who runs there.

pub mod view;
