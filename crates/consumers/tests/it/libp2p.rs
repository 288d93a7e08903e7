//! Two swarms of libp2p, connected in memory.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use async_runtime_compat::FnSpawner;
use async_runtime_compat::prelude::*;
use async_runtime_compat_consumers::libp2p::swarm_config;
use futures_lite::{StreamExt as _, future};
use libp2p_core::muxing::{StreamMuxer, StreamMuxerBox, StreamMuxerEvent};
use libp2p_core::transport::{MemoryTransport, Transport as _};
use libp2p_core::{Multiaddr, PeerId};
use libp2p_swarm::{Swarm, SwarmEvent, dummy};

use crate::{on_all_backends, run};

/// A connection that carries nothing, since there is no protocol.
struct Idle;

impl StreamMuxer for Idle {
    type Substream = futures_lite::io::Cursor<Vec<u8>>;
    type Error = io::Error;

    fn poll_inbound(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<io::Result<Self::Substream>> {
        Poll::Pending
    }

    fn poll_outbound(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<io::Result<Self::Substream>> {
        Poll::Pending
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, Self::Error>> {
        Poll::Pending
    }
}

/// An identity that is no more than a name.
fn peer(name: &str) -> PeerId {
    let name = name.as_bytes();
    let length = u8::try_from(name.len()).unwrap();
    PeerId::from_bytes(&[&[0, length], name].concat()).unwrap()
}

fn swarm(spawner: Arc<dyn Spawner>, local: PeerId, remote: PeerId) -> Swarm<dummy::Behaviour> {
    let transport = MemoryTransport::default();
    let transport = transport.map(move |_, _| (remote, StreamMuxerBox::new(Idle))).boxed();
    Swarm::new(transport, dummy::Behaviour, local, swarm_config(spawner))
}

#[test]
fn connections_are_tasks_of_the_spawner() {
    on_all_backends(|running| {
        let tasks = Arc::new(AtomicUsize::new(0));
        let (count, runtime) = (tasks.clone(), running.runtime.clone());
        let spawner: Arc<dyn Spawner> = Arc::new(FnSpawner::new(move |task| {
            count.fetch_add(1, Ordering::SeqCst);
            runtime.spawn(task);
        }));
        let (one, other) = (peer("one"), peer("other"));
        let mut listening = swarm(spawner.clone(), one, other);
        let mut dialing = swarm(spawner, other, one);
        listening.listen_on("/memory/0".parse().unwrap()).unwrap();
        run(async {
            let address: Multiaddr = loop {
                if let Some(SwarmEvent::NewListenAddr { address, .. }) = listening.next().await {
                    break address;
                }
            };
            dialing.dial(address).unwrap();
            let both = future::zip(connection(&mut listening), connection(&mut dialing));
            assert_eq!(both.await, (other, one));
        });
        assert!(tasks.load(Ordering::SeqCst) >= 2);
    });
}

/// Whom the swarm is connected to, once it is.
async fn connection(swarm: &mut Swarm<dummy::Behaviour>) -> PeerId {
    loop {
        match swarm.next().await {
            Some(SwarmEvent::ConnectionEstablished { peer_id, .. }) => return peer_id,
            Some(
                event @ (SwarmEvent::OutgoingConnectionError { .. }
                | SwarmEvent::IncomingConnectionError { .. }),
            ) => panic!("{event:?}"),
            _ => {}
        }
    }
}
