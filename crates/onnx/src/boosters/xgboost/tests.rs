//! Files by hand, for what no training makes.
