//! A simulated world for UCWA sessions: server engine, seeded network, virtual time.
