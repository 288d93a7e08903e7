//! Spans and subscribers that go with tasks, with the subscriber of `tracing-subscriber`.

use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex, Once};
use std::thread;

use async_runtime_compat::decorate::{Identified, Named};
use async_runtime_compat::prelude::*;
use async_runtime_compat::tracing::Traced;
use async_runtime_compat::{FnSpawner, yield_now};
use futures_lite::future::block_on;
use test_support::runtimes::{Running, on_all_runtimes};
use tracing::dispatcher::{self, Dispatch};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber, info, info_span};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// Lets whatever has no subscriber of its own have a real one, which nobody reads.
pub(crate) fn subscribe_all() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing_subscriber::registry().init());
}

/// What a subscriber writes: a line for each event, behind the spans that it is in.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// A subscriber that writes here. With spans it tells of their ends, too.
    fn subscriber(&self, spans: FmtSpan) -> Dispatch {
        let lines = self.clone();
        tracing_subscriber::fmt()
            .without_time()
            .with_ansi(false)
            .with_level(false)
            .with_target(false)
            .with_max_level(Level::INFO)
            .with_span_events(spans)
            .with_writer(move || lines.clone())
            .into()
    }

    fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }
}

/// Calls it with a subscriber that is this thread's alone, and gives what that wrote.
fn written(f: impl FnOnce()) -> Vec<String> {
    let lines = Lines::default();
    dispatcher::with_default(&lines.subscriber(FmtSpan::NONE), f);
    lines.take()
}

/// How the span of a task is written that is spawned on this line of this file.
fn task(name: &str, line: u32, column: u32) -> String {
    format!("task{{{name}spawned_at={}:{line}:{column}}}", file!())
}

on_all_runtimes! {
    events_are_in_the_span_of_the_spawner,
    span_is_entered_at_each_poll_and_at_the_drop,
    tasks_of_tasks_are_in_all_spans,
    current_span_alone_records_nothing,
    levels_that_are_off_leave_the_current_span,
    work_that_blocks_has_a_span,
    spans_have_the_id_of_a_task_that_has_one,
    each_has_the_subscriber_of_its_spawner,
    spans_close_with_the_task,
    global_subscriber_is_left_to_the_threads,
    subscriber_that_panics_harms_no_task,
    nothing_is_left_on_the_thread,
}

fn events_are_in_the_span_of_the_spawner(running: &Running) {
    let spawner = Traced::new(Named::with_prefix(running.runtime.clone(), "part."));
    let around = Named::with_prefix(spawner.clone(), "part.");
    let mut places = Vec::new();
    let lines = written(|| {
        let request = info_span!("request", id = 7);
        let tasks = request.in_scope(|| {
            [
                spawner.spawn_with_handle(async { info!("nameless") }),
                spawner.spawn_named("lookup", async { info!("named") }),
                around.spawn_named("lookup", async { info!("renamed") }),
            ]
        });
        for task in tasks {
            places.push(task.spawned_at());
            block_on(task).unwrap();
        }
    });
    let expected = ["", "name=\"lookup\" ", "name=\"part.lookup\" "];
    let mut expected: Vec<_> = expected
        .iter()
        .zip(["nameless", "named", "renamed"])
        .zip(places)
        .map(|((name, event), at)| {
            format!("request{{id=7}}:{}: {event}", task(name, at.line(), at.column()))
        })
        .collect();
    let mut lines = lines;
    lines.sort();
    expected.sort();
    assert_eq!(lines, expected);
}

/// Says so when it is dropped.
struct Says(&'static str);

impl Drop for Says {
    fn drop(&mut self) {
        info!("{}", self.0);
    }
}

fn span_is_entered_at_each_poll_and_at_the_drop(running: &Running) {
    let spawner = Traced::builder(running.runtime.clone()).current_span().build();
    let (sender, receiver) = async_channel::bounded::<()>(1);
    let lines = written(|| {
        let _request = info_span!("request").entered();
        let aborted = spawner.spawn_with_handle(async move {
            let _says = Says("dropped");
            for poll in 1..=2 {
                info!("poll {poll}");
                yield_now().await;
            }
            sender.send(()).await.unwrap();
            pending::<()>().await;
        });
        block_on(receiver.recv()).unwrap();
        block_on(aborted.cancel()).unwrap_err();
    });
    assert_eq!(lines, ["poll 1", "poll 2", "dropped"].map(|line| format!("request: {line}")));

    // Before the first poll, and refused: on the thread that spawns.
    let group = async_runtime_compat::TaskGroup::new(running.runtime.clone());
    group.close();
    let spawner = Traced::builder(group).current_span().build();
    let lines = written(|| {
        let request = info_span!("request");
        let (says, refused) = (Says("refused"), &spawner);
        let refused = request.in_scope(|| refused.spawn_with_handle(async move { drop(says) }));
        assert!(block_on(refused).unwrap_err().is_shutdown());
    });
    assert_eq!(lines, ["request: refused"]);
}

fn tasks_of_tasks_are_in_all_spans(running: &Running) {
    let spawner = Traced::new(running.runtime.clone());
    let inner = spawner.clone();
    let lines = written(|| {
        let outer = spawner.spawn_named("outer", async move {
            inner.spawn_named("inner", async { info!("deep") }).await.unwrap();
        });
        block_on(outer).unwrap();
    });
    let [line] = &lines[..] else { panic!("{lines:?}") };
    let names: Vec<_> = line.split(':').filter(|part| part.contains("name=")).collect();
    assert_eq!(names.len(), 2, "{line}");
    assert!(names[0].starts_with("task{name=\"outer\""), "{line}");
    assert!(names[1].starts_with("task{name=\"inner\""), "{line}");
}

fn current_span_alone_records_nothing(running: &Running) {
    let spawner = Traced::builder(running.runtime.clone()).current_span().build();
    let lines = written(|| {
        let request = info_span!("request", id = 7);
        let task = request.in_scope(|| spawner.spawn_named("lookup", async { info!("in it") }));
        block_on(task).unwrap();
        block_on(spawner.spawn_with_handle(async { info!("in none") })).unwrap();
    });
    assert_eq!(lines, ["request{id=7}: in it", "in none"]);
}

fn levels_that_are_off_leave_the_current_span(running: &Running) {
    for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE] {
        let spawner = Traced::builder(running.runtime.clone()).level(level).build();
        let lines = written(|| {
            let _request = info_span!("request").entered();
            block_on(spawner.spawn_with_handle(async { info!("here") })).unwrap();
        });
        let [line] = &lines[..] else { panic!("{lines:?}") };
        let on = level <= Level::INFO;
        assert_eq!(line.starts_with("request:task{"), on, "{level}: {line}");
        assert_eq!(line == "request: here", !on, "{level}: {line}");
    }
}

fn work_that_blocks_has_a_span(running: &Running) {
    let runtime: Arc<dyn Runtime> = Arc::new(Traced::new(running.runtime.clone()));
    let lines = written(|| {
        let request = info_span!("request");
        let job = request.in_scope(|| runtime.spawn_blocking_named("hash", || info!("hashing")));
        block_on(job).unwrap();
    });
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert!(line.starts_with("request:blocking{name=\"hash\" spawned_at="), "{line}");
    assert!(line.contains(file!()) && line.ends_with(": hashing"), "{line}");
}

fn spans_have_the_id_of_a_task_that_has_one(running: &Running) {
    let runtime = Traced::new(Identified::new(running.runtime.clone()));
    let mut ids = Vec::new();
    let lines = written(|| {
        let task = runtime.spawn_named("lookup", async { info!("looks") });
        let job = runtime.spawn_blocking(|| info!("works"));
        ids.extend([task.id().unwrap(), job.id().unwrap()]);
        block_on(task).unwrap();
        block_on(job).unwrap();
    });
    let starts = [
        format!("task{{id={} name=\"lookup\" spawned_at=", ids[0]),
        format!("blocking{{id={} spawned_at=", ids[1]),
    ];
    for start in starts {
        assert!(lines.iter().any(|line| line.starts_with(&start)), "{lines:?}");
    }
}

fn each_has_the_subscriber_of_its_spawner(running: &Running) {
    let spawner = Traced::builder(running.runtime.clone()).current_span().build();
    let (start, started) = async_channel::bounded::<()>(1);
    let [one, two] = ["one", "two"].map(|name| {
        let lines = Lines::default();
        let task = dispatcher::with_default(&lines.subscriber(FmtSpan::NONE), || {
            let started = started.clone();
            spawner.spawn_with_handle(async move {
                let _ = started.recv().await;
                for _ in 0..10 {
                    info!("{name}");
                    yield_now().await;
                }
            })
        });
        (task, lines)
    });
    drop(start);
    for ((task, lines), name) in [(one, "one"), (two, "two")] {
        block_on(task).unwrap();
        assert_eq!(lines.take(), [name; 10]);
    }
}

fn spans_close_with_the_task(running: &Running) {
    let lines = Lines::default();
    let spawner = Traced::new(running.runtime.clone());
    dispatcher::with_default(&lines.subscriber(FmtSpan::CLOSE), || {
        let request = info_span!("request");
        let task = request.in_scope(|| spawner.spawn_with_handle(async { info!("runs") }));
        drop(request);
        block_on(task).unwrap();
    });
    // By the time the join resolves, they are closed: that of the task, and then the one around it.
    let lines = lines.take();
    let [runs, task, request] = &lines[..] else { panic!("{lines:?}") };
    assert!(runs.starts_with("request:task{") && runs.ends_with("}: runs"), "{runs}");
    assert!(task.starts_with("request:task{") && task.ends_with("}: close"), "{task}");
    assert_eq!(request, "request: close");
}

fn global_subscriber_is_left_to_the_threads(running: &Running) {
    let spawner = Traced::builder(running.runtime.clone()).global_subscriber().build();
    let (sender, receiver) = async_channel::bounded(1);
    let lines = Lines::default();
    dispatcher::with_default(&lines.subscriber(FmtSpan::NONE), || {
        let _request = info_span!("request").entered();
        let task = spawner.spawn_with_handle(async move {
            info!("not to be seen");
            sender.send(tracing::Span::current().is_none()).await.unwrap();
        });
        block_on(task).unwrap();
    });
    // The span knows its subscriber, but the current one is another, and knows no span.
    assert!(block_on(receiver.recv()).unwrap());
    assert!(lines.take().is_empty());
}

/// Panics whenever it is asked to do one of these.
struct Panics(&'static str);

impl Panics {
    fn at(&self, what: &str) {
        if self.0 == what {
            std::panic::resume_unwind(Box::new("the subscriber panicked"));
        }
    }
}

impl Subscriber for Panics {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        self.at("new");
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {
        self.at("enter");
    }

    fn exit(&self, _: &Id) {
        self.at("exit");
    }

    fn try_close(&self, _: Id) -> bool {
        self.at("close");
        true
    }
}

fn subscriber_that_panics_harms_no_task(running: &Running) {
    for what in ["new", "enter", "exit", "close"] {
        let group = async_runtime_compat::TaskGroup::new(running.runtime.clone());
        let spawner = Traced::new(group.clone());
        dispatcher::with_default(&Dispatch::new(Panics(what)), || {
            let task = spawner.spawn_with_handle(async {
                yield_now().await;
                7
            });
            assert_eq!(block_on(task).unwrap(), 7, "{what}");
            let waits = spawner.spawn_with_handle(pending::<()>());
            assert!(block_on(waits.cancel()).unwrap_err().is_cancelled(), "{what}");
        });
        assert!(group.is_empty(), "{what}");
    }
}

fn nothing_is_left_on_the_thread(running: &Running) {
    let spawner = Traced::new(running.runtime.clone());
    let lines = Lines::default();
    let task = dispatcher::with_default(&lines.subscriber(FmtSpan::NONE), || {
        spawner.spawn_with_handle(async {
            for _ in 0..10 {
                yield_now().await;
            }
            panic_quietly();
        })
    });
    // Past the decorator, between the polls of that task and after them.
    let plain = running.runtime.spawn_with_handle(async {
        for _ in 0..20 {
            info!("not to be seen");
            assert!(tracing::Span::current().is_none());
            yield_now().await;
        }
    });
    assert!(block_on(task).unwrap_err().is_panic());
    block_on(plain).unwrap();
    assert!(lines.take().is_empty());
}

fn panic_quietly() {
    std::panic::resume_unwind(Box::new("a payload"));
}

#[test]
fn without_a_subscriber_there_is_nothing_to_carry() {
    let lines = Lines::default();
    // The thread that runs the task has a subscriber, and the one that spawns it has none.
    let subscriber = lines.subscriber(FmtSpan::NONE);
    let threads = FnSpawner::new(move |task| {
        let subscriber = subscriber.clone();
        thread::spawn(move || dispatcher::with_default(&subscriber, || block_on(task)));
    });
    let spawner = Traced::new(threads);
    let task = dispatcher::with_default(&Dispatch::none(), || {
        spawner.spawn_with_handle(async { info!("found") })
    });
    block_on(task).unwrap();
    assert_eq!(lines.take(), ["found"]);
}

#[test]
fn simulated_tasks_are_traced_and_the_run_is_the_same() {
    use async_runtime_compat_sim::Sim;

    let run = |traced: bool| {
        let mut elapsed = None;
        let lines = written(|| {
            let report = Sim::new(7).run(|rt| async move {
                let timer = rt.clone();
                let runtime: Arc<dyn Runtime> =
                    if traced { Arc::new(Traced::new(rt)) } else { Arc::new(rt) };
                let tasks: Vec<_> = (0..5_u64)
                    .map(|number| {
                        let timer = timer.clone();
                        let request = info_span!("request", number);
                        let _request = request.entered();
                        runtime.spawn_named("waits", async move {
                            timer.sleep(std::time::Duration::from_secs(number)).await;
                            info!("slept");
                        })
                    })
                    .collect();
                for task in tasks {
                    task.await.unwrap();
                }
            });
            let report = report.unwrap();
            elapsed = Some((report.elapsed, report.trace_hash));
        });
        (elapsed.unwrap(), lines)
    };
    let ((plain, _), (traced, lines)) = (run(false), run(true));
    assert_eq!(plain, traced);
    assert_eq!(lines.len(), 5);
    for (number, line) in lines.iter().enumerate() {
        let start = format!("request{{number={number}}}:task{{name=\"waits\" spawned_at=");
        assert!(line.starts_with(&start), "{line}");
    }
    assert_eq!(run(true).1, lines);
}
