//! Requests from the example's client, and from curl.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use async_runtime_compat_examples::http::load::{Loader, Outcome, curl};
use async_runtime_compat_examples::http::{Host, Protocol};
use hyper::StatusCode;

use crate::{LIMIT, Setup, on_all_backends, run};

on_all_backends! {
    requests_are_answered,
    bodies_go_both_ways,
    requests_at_once_are_all_answered,
    handler_that_panics_fails_its_request_only,
    client_that_sends_no_headers_is_dropped,
    curl_is_answered,
}

fn requests_are_answered(host: &Host) {
    let setup = Setup::new(host);
    run(async {
        for (protocol, greeting) in [
            (Protocol::Http1, "Hello over HTTP/1.1!\n"),
            (Protocol::Http2, "Hello over HTTP/2.0!\n"),
        ] {
            let mut client = setup.client(protocol).await;
            assert_eq!(client.get("/").await.unwrap(), (StatusCode::OK, greeting.into()));
            let slept = (StatusCode::OK, "Slept for 5 ms.\n".into());
            assert_eq!(client.get("/sleep/5").await.unwrap(), slept);
            let missing = (StatusCode::NOT_FOUND, "There is no /elsewhere.\n".into());
            assert_eq!(client.get("/elsewhere").await.unwrap(), missing);
        }
    });
}

/// The body is larger than any window of HTTP/2 and any buffer of a socket.
fn bodies_go_both_ways(host: &Host) {
    let setup = Setup::new(host);
    let body: Vec<u8> = (0..4 << 20_u32).map(|index: u32| index.to_le_bytes()[1]).collect();
    run(async {
        for protocol in Protocol::ALL {
            let mut client = setup.client(protocol).await;
            let (status, echo) = client.post("/echo", body.clone()).await.unwrap();
            assert_eq!(status, StatusCode::OK);
            assert!(echo == body, "{protocol}: {} of {} bytes", echo.len(), body.len());
        }
    });
}

fn requests_at_once_are_all_answered(host: &Host) {
    let setup = Setup::new(host);
    for protocol in Protocol::ALL {
        let outcome = Loader::Hyper.run(host, setup.address(), protocol, 200).unwrap();
        assert_eq!(outcome, Outcome { requests: 200, errors: 0 }, "{protocol}");
    }
}

fn handler_that_panics_fails_its_request_only(host: &Host) {
    let setup = Setup::new(host);
    run(async {
        // With HTTP/2, each request has its own task, and the connection survives.
        let mut client = setup.client(Protocol::Http2).await;
        client.get("/panic").await.unwrap_err();
        assert_eq!(client.get("/").await.unwrap().0, StatusCode::OK);

        let mut client = setup.client(Protocol::Http1).await;
        client.get("/panic").await.unwrap_err();
        let mut client = setup.client(Protocol::Http1).await;
        assert_eq!(client.get("/").await.unwrap().0, StatusCode::OK);
    });
}

/// By hyper's `header_read_timeout`, which uses the runtime's timer.
fn client_that_sends_no_headers_is_dropped(host: &Host) {
    let setup = Setup::with(host, Duration::from_millis(20));
    let mut stream = TcpStream::connect(setup.address()).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: local").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}

fn curl_is_answered(host: &Host) {
    if !Loader::Curl.is_installed() {
        eprintln!("curl is not installed: nothing was tested with it");
        return;
    }
    let setup = Setup::new(host);
    for protocol in Protocol::ALL {
        let outcome = curl(setup.address(), protocol, 20).unwrap();
        assert_eq!(outcome, Outcome { requests: 20, errors: 0 }, "{protocol}");
    }
}
