//! Names and locations reach a spawner, and a pool, that the core does not know.

use std::borrow::Cow;
use std::sync::Arc;

use async_runtime_compat::decorate::Named;
use async_runtime_compat::hook::{Hooked, SpawnHook, Spawning};
use async_runtime_compat::prelude::*;
use async_runtime_compat::smol::SmolSpawner;
use async_runtime_compat::{
    Ambient, BlockingPool, BoxFuture, BoxJob, FnSpawner, SpawnMeta, TaskGroup, with_blocking,
    with_timer,
};
use futures_lite::future::block_on;

use crate::support::{Log, nowhere};

/// A name, and the line of the spawn call in this file.
type Entry = (Option<String>, u32);

/// A spawner, and a pool, that logs names and locations.
#[derive(Clone)]
struct Logging {
    log: Log<Entry>,
}

impl Logging {
    fn new() -> Logging {
        Logging { log: Log::new() }
    }

    fn note(&self, meta: SpawnMeta<'_>) {
        let location = meta.location();
        assert_eq!(location.file(), file!(), "{meta}");
        self.log.push((meta.name().map(str::to_owned), location.line()));
    }
}

impl Spawner for Logging {
    #[track_caller]
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.spawn_with(SpawnMeta::new(), future);
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        self.note(meta);
        SmolSpawner.spawn_with(meta, future);
    }
}

impl Blocking for Logging {
    #[track_caller]
    fn execute(&self, job: BoxJob) {
        self.execute_with(SpawnMeta::new(), job);
    }

    fn execute_with(&self, meta: SpawnMeta<'_>, job: BoxJob) {
        self.note(meta);
        SmolSpawner.execute_with(meta, job);
    }
}

#[expect(clippy::unnecessary_wraps, reason = "an entry has an `Option`")]
fn name(name: &str) -> Option<String> {
    Some(name.to_owned())
}

/// Spawns in each way; gives what the log should say if nobody changes a name.
#[rustfmt::skip] // The line and the call stand on one line.
fn spawn_all<S: Spawner + ?Sized>(spawner: &S) -> Vec<Entry> {
    let mut expected = Vec::new();
    expected.push((None, line!())); block_on(spawner.spawn_with_handle(async {})).unwrap();
    expected.push((name("static"), line!())); block_on(spawner.spawn_named("static", async {})).unwrap();
    let made = format!("made-{}", 1);
    expected.push((name("made-1"), line!())); block_on(spawner.spawn_named(made, async {})).unwrap();
    expected.push((None, line!())); spawner.spawn_detached(async {});
    let elsewhere = SpawnMeta::new(); let line = line!();
    expected.push((None, line)); block_on(spawner.spawn_meta(elsewhere, async {})).unwrap();
    let named = Cow::Borrowed("of a meta");
    let task = spawner.spawn_meta(elsewhere.with_name(&named), async {});
    assert_eq!(task.spawned_at(), elsewhere.location());
    expected.push((name("of a meta"), line)); block_on(task).unwrap();
    let boxed = Cow::Borrowed("in a box");
    expected.push((name("in a box"), line)); spawner.spawn_with(elsewhere.with_name(&boxed), Box::pin(async {}));
    expected
}

#[rustfmt::skip]
fn execute_all<B: Blocking + ?Sized>(blocking: &B) -> Vec<Entry> {
    let mut expected = Vec::new();
    expected.push((None, line!())); block_on(blocking.spawn_blocking(|| ())).unwrap();
    expected.push((name("job"), line!())); block_on(blocking.spawn_blocking_named("job", || ())).unwrap();
    let elsewhere = SpawnMeta::new(); let line = line!();
    let boxed = Cow::Borrowed("in a box");
    expected.push((name("in a box"), line)); blocking.execute_with(elsewhere.with_name(&boxed), Box::new(|| ()));
    expected
}

#[test]
fn through_pointers() {
    let logging = Logging::new();
    let log = logging.log.clone();
    let mut mutable = logging.clone();
    let arc: Arc<dyn Spawner> = Arc::new(logging.clone());
    assert_eq!(spawn_all(&logging), log.take());
    assert_eq!(spawn_all(&&logging), log.take());
    assert_eq!(spawn_all(&&mut mutable), log.take());
    assert_eq!(spawn_all(&Box::new(logging.clone())), log.take());
    assert_eq!(spawn_all(&Arc::new(logging.clone())), log.take());
    assert_eq!(spawn_all(&*arc), log.take());
    assert_eq!(spawn_all(&arc), log.take());
    assert_eq!(spawn_all(&Box::new(&arc)), log.take());

    let arc: Arc<dyn Blocking> = Arc::new(logging.clone());
    assert_eq!(execute_all(&logging), log.take());
    assert_eq!(execute_all(&&logging), log.take());
    assert_eq!(execute_all(&&mut mutable), log.take());
    assert_eq!(execute_all(&Box::new(logging.clone())), log.take());
    assert_eq!(execute_all(&arc), log.take());
}

#[test]
fn handles_have_the_name_of_the_metadata() {
    let meta = SpawnMeta::new();
    let name = Cow::Borrowed("of a meta");
    let task = Logging::new().spawn_meta(meta.with_name(&name), std::future::pending::<()>());
    assert_eq!((task.task_name(), task.spawned_at()), (Some(name), meta.location()));
    let error = block_on(task.cancel()).unwrap_err();
    assert_eq!((error.task_name(), error.spawned_at()), (Some("of a meta"), meta.location()));
}

#[test]
fn boxed_spawn_has_the_callers_location() {
    let logging = Logging::new();
    let line = line!() + 1;
    logging.spawn(Box::pin(async {}));
    logging.execute(Box::new(|| ()));
    assert_eq!(logging.log.take(), [(None, line), (None, line + 1)]);
}

/// A hook that lets everything pass.
struct Nothing;

impl SpawnHook for Nothing {
    fn spawn(&self, _: &mut Spawning<'_>) {}
}

/// Gives every task this name.
struct Renames(&'static str);

impl SpawnHook for Renames {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        spawning.rename(self.0);
    }
}

#[test]
fn through_decorators() {
    let logging = Logging::new();
    let log = logging.log.clone();
    let group = TaskGroup::new(Arc::new(logging.clone()));
    assert_eq!(spawn_all(&group), log.take());
    let child = group.child();
    assert_eq!(spawn_all(&child.spawner()), log.take());
    assert_eq!(spawn_all(&Hooked::new(logging.clone(), Nothing)), log.take());
    assert_eq!(spawn_all(&with_timer(logging.clone(), SmolSpawner)), log.take());
    assert_eq!(spawn_all(&with_blocking(logging.clone(), BlockingPool::new())), log.take());

    let runtime = with_timer(logging.clone(), SmolSpawner);
    let ambient = Ambient::new(runtime.clone());
    assert_eq!(spawn_all(&ambient), log.take());
    assert_eq!(execute_all(&ambient), log.take());
    assert_eq!(execute_all(&runtime), log.take());
    assert_eq!(execute_all(&Hooked::new(runtime.clone(), Nothing)), log.take());
    let pool = with_blocking(nowhere(), logging.clone());
    assert_eq!(execute_all(&pool), log.take());
    let scope = group.runtime(Arc::new(runtime));
    assert_eq!(spawn_all(&scope), log.take());
    assert_eq!(execute_all(&scope), log.take());
}

#[test]
fn new_names_with_the_callers_location() {
    let logging = Logging::new();
    let log = logging.log.clone();
    let mut expected = spawn_all(&Named::with_prefix(logging.clone(), "part."));
    for (name, _) in &mut expected {
        *name = name.take().map(|name| format!("part.{name}"));
    }
    assert_eq!(expected, log.take());

    let renamed = |entries: Vec<Entry>| -> Vec<Entry> {
        entries.into_iter().map(|(_, line)| (name("other"), line)).collect()
    };
    let hooked = Hooked::new(with_timer(logging.clone(), SmolSpawner), Renames("other"));
    let task = hooked.spawn_named("first", async {});
    assert_eq!(task.task_name().as_deref(), Some("other"));
    block_on(task).unwrap();
    assert_eq!(log.take()[0].0, name("other"));
    assert_eq!(renamed(spawn_all(&hooked)), log.take());
    assert_eq!(renamed(execute_all(&hooked)), log.take());
}

/// A spawner of somebody else's around another: it passes the metadata on, with more in the name.
struct Wraps<S>(S);

impl<S: Spawner> Spawner for Wraps<S> {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.0.spawn(future);
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        let name = meta.to_name().map_or("wrapped".into(), |name| format!("wrapped {name}"));
        self.0.spawn_with(meta.with_name(&name.into()), future);
    }
}

#[test]
fn decorators_of_others_nest_with_those_of_the_core() {
    let logging = Logging::new();
    let log = logging.log.clone();
    let inside = Named::with_prefix(logging, "in.");
    let outside = Named::with_prefix(Wraps(inside), "out.");
    let line = line!() + 1;
    let task = outside.spawn_named("conn", async {});
    assert_eq!(task.task_name().as_deref(), Some("out.conn"));
    block_on(task).unwrap();
    assert_eq!(log.take(), [(name("in.wrapped out.conn"), line)]);
}

#[test]
fn spawners_that_do_not_care_are_called_as_before() {
    let (sender, spawned) = crate::support::channel();
    let spawner = FnSpawner::new(move |future| {
        sender.send(()).expect("the test counts");
        SmolSpawner.spawn(future);
    });
    block_on(spawner.spawn_named("conn", async {})).unwrap();
    spawner.spawn_with(SpawnMeta::new(), Box::pin(async {}));
    assert_eq!(spawned.present().len(), 2);
}

#[test]
fn metadata_as_text() {
    let meta = SpawnMeta::new();
    let line = line!() - 1;
    assert!(meta.to_string().starts_with("task spawned at "), "{meta}");
    let name = Cow::Borrowed("conn-7");
    let named = meta.with_name(&name);
    let place = format!("{}:{line}:", file!());
    assert!(named.to_string().starts_with(&format!("task 'conn-7' spawned at {place}")));
    assert!(
        matches!(named.to_name(), Some(Cow::Borrowed("conn-7"))),
        "a static name is not copied"
    );
    let elsewhere = SpawnMeta::new().at(meta.location());
    assert_eq!(elsewhere.location(), meta.location());
}
