//! Tests of the simulated fleet.

mod seeds;
