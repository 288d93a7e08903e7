//! What the documentation shows of adapters to other crates' traits, compiled; the tests run it.

#[path = "../../../src/bridge/consumers/azure.rs"]
pub mod azure;
#[path = "../../../src/bridge/consumers/libp2p.rs"]
pub mod libp2p;
#[path = "../../../src/bridge/consumers/opentelemetry.rs"]
pub mod opentelemetry;
#[path = "../../../src/bridge/consumers/quinn.rs"]
pub mod quinn;
