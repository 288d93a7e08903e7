//! OpenTelemetry's batch processor of spans.

use std::time::Duration;

use async_channel::Sender;
use async_runtime_compat_consumers::opentelemetry::OtelRuntime;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::runtime::{RuntimeChannel, TrySend, TrySendError};
use opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use opentelemetry_sdk::trace::{BatchConfigBuilder, SdkTracerProvider, SpanData, SpanExporter};

use crate::{on_all_backends, run};

#[derive(Debug)]
struct Exporter(Sender<String>);

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        for span in batch {
            self.0.send(span.name.into_owned()).await.expect("the test waits for all of them");
        }
        Ok(())
    }
}

fn provider(runtime: OtelRuntime, exporter: Exporter, delay: Duration) -> SdkTracerProvider {
    let config = BatchConfigBuilder::default().with_scheduled_delay(delay).build();
    let processor =
        BatchSpanProcessor::builder(exporter, runtime).with_batch_config(config).build();
    SdkTracerProvider::builder().with_span_processor(processor).build()
}

fn end_a_span(provider: &SdkTracerProvider, name: &'static str) {
    use opentelemetry::trace::{Tracer as _, TracerProvider as _};

    drop(provider.tracer("test").start(name));
}

#[test]
fn spans_are_exported_by_the_clock() {
    on_all_backends(|running| {
        let (sender, receiver) = async_channel::unbounded();
        let runtime = OtelRuntime(running.runtime.clone());
        let provider = provider(runtime, Exporter(sender), Duration::from_millis(5));
        end_a_span(&provider, "request");
        assert_eq!(run(receiver.recv()).unwrap(), "request");
        provider.shutdown().unwrap();
    });
}

#[test]
fn spans_are_exported_at_a_flush_and_at_the_end() {
    on_all_backends(|running| {
        let (sender, receiver) = async_channel::unbounded();
        let runtime = OtelRuntime(running.runtime.clone());
        let provider = provider(runtime, Exporter(sender), Duration::from_secs(86_400));
        end_a_span(&provider, "flushed");
        provider.force_flush().unwrap();
        assert_eq!(receiver.try_recv().unwrap(), "flushed");
        end_a_span(&provider, "last");
        provider.shutdown().unwrap();
        assert_eq!(receiver.try_recv().unwrap(), "last");
    });
}

#[test]
fn channel_says_why_it_takes_nothing() {
    on_all_backends(|running| {
        let runtime = OtelRuntime(running.runtime.clone());
        let (sender, receiver) = runtime.batch_message_channel(1);
        sender.try_send(1).unwrap();
        assert!(matches!(sender.try_send(2), Err(TrySendError::ChannelFull)));
        drop(receiver);
        assert!(matches!(sender.try_send(3), Err(TrySendError::ChannelClosed)));
    });
}
