//! The queues of a run: broker (pure) and its RESP server.
