//! The daemon, and its clients.

use async_tungstenite::tungstenite::Message;
use harness::TestDaemon;
use smol::stream::StreamExt as _;

#[test]
fn clients_are_told_of_events() {
    smol::block_on(async {
        let daemon = TestDaemon::start().await.unwrap();
        let mut first = daemon.connect().await.unwrap();
        let mut second = daemon.connect().await.unwrap();
        daemon.hub().publish("one");
        for client in [&mut first, &mut second] {
            assert_eq!(client.next().await.unwrap().unwrap(), Message::text("one"));
        }
    });
}

#[test]
fn clients_are_told_of_the_end() {
    smol::block_on(async {
        let daemon = TestDaemon::start().await.unwrap();
        let mut client = daemon.connect().await.unwrap();
        drop(daemon);
        assert_eq!(client.next().await.unwrap().unwrap(), Message::text("closing"));
        assert!(matches!(client.next().await, Some(Ok(Message::Close(_)))));
    });
}
