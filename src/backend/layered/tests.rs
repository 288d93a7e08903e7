//! When hooks are called, with decorators of a test's own.

use std::future::pending;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::backend;
use crate::blocking::BlockingExt;
use crate::cancel::CancelToken;
use crate::handle::JoinHandle;
use crate::layer::{Layer, Layers, Members, SpawnHook, Spawning, TaskEnd, TaskHook};
use crate::seam::{Blocking, BoxFuture, BoxJob, Native, NativeBlocking, Spawner};
use crate::spawner::SpawnerExt;

/// Keeps what it is given, for the test to run.
#[derive(Default)]
struct Kept {
    tasks: Mutex<Vec<BoxFuture<'static, ()>>>,
    jobs: Mutex<Vec<BoxJob>>,
}

impl Spawner for Kept {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.tasks.lock().unwrap().push(future);
    }
}

impl Blocking for Kept {
    fn execute(&self, job: BoxJob) {
        self.jobs.lock().unwrap().push(job);
    }
}

impl Kept {
    fn poll(&self) {
        self.tasks.lock().unwrap().retain_mut(|task| {
            task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
        });
    }

    fn run(&self) {
        let jobs = std::mem::take(&mut *self.jobs.lock().unwrap());
        for job in jobs {
            job();
        }
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

struct Logging(&'static str, Log);

impl TaskHook for Logging {
    fn scope(&self, f: &mut dyn FnMut()) {
        self.1.add(format!("enter {}", self.0));
        f();
        self.1.add(format!("exit {}", self.0));
    }

    fn end(&self, how: TaskEnd) {
        self.1.add(format!("{} ends: {how:?}", self.0));
    }
}

/// A decorator; the name `silent` stands for one that adds nothing, and `refusing` for one that
/// takes nothing.
struct Decorator(&'static str, Log);

impl SpawnHook for Decorator {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        match self.0 {
            "refusing" => spawning.refuse(),
            "silent" => {}
            name => spawning.add(Arc::new(Logging(name, self.1.clone()))),
        }
    }
}

fn decorator(name: &'static str, log: &Log) -> Layer {
    Layer::Hook(Arc::new(Decorator(name, log.clone())))
}

struct Decorated {
    spawner: Layers<dyn Spawner>,
    blocking: Layers<dyn Blocking>,
}

impl Decorated {
    fn new<R: Spawner + Blocking + 'static>(name: &'static str, inner: Arc<R>, log: &Log) -> Self {
        Decorated {
            spawner: backend::around_spawner(inner.clone(), decorator(name, log)),
            blocking: backend::around_blocking(inner, decorator(name, log)),
        }
    }
}

impl Spawner for Decorated {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.spawner.spawn(future);
    }

    fn native(&self) -> Native<'_> {
        Native::layered(&self.spawner)
    }
}

impl Blocking for Decorated {
    fn execute(&self, job: BoxJob) {
        self.blocking.execute(job);
    }

    fn native_blocking(&self) -> NativeBlocking<'_> {
        NativeBlocking::layered(&self.blocking)
    }
}

/// Two decorators that log, with one between them that adds nothing.
fn decorated() -> (Arc<Kept>, Decorated, Log) {
    let (kept, log) = (Arc::new(Kept::default()), Log::default());
    let inner = Decorated::new("inner", kept.clone(), &log);
    let silent = Decorated::new("silent", Arc::new(inner), &log);
    let outer = Decorated::new("outer", Arc::new(silent), &log);
    (kept, outer, log)
}

/// Says when it is dropped.
struct Dropped(Log);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.add("drop");
    }
}

fn end<T>(mut task: JoinHandle<T>) -> Result<T, crate::JoinError> {
    match Pin::new(&mut task).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(end) => end,
        Poll::Pending => panic!("the task has not ended"),
    }
}

const ENDS_AS: fn(&str) -> [String; 2] =
    |how| [format!("outer ends: {how}"), format!("inner ends: {how}")];

#[test]
fn each_poll_is_in_the_scope_of_all_hooks() {
    let (kept, outer, log) = decorated();
    let owned = Dropped(log.clone());
    let task = outer.spawn_with_handle({
        let log = log.clone();
        async move {
            let _owned = owned;
            log.add("poll");
            crate::yield_now().await;
            log.add("poll");
        }
    });
    assert!(log.take().is_empty(), "hooks are called in `spawn`");
    kept.poll();
    assert_eq!(log.take(), ["enter inner", "enter outer", "poll", "exit outer", "exit inner"]);
    kept.poll();
    let last = ["enter inner", "enter outer", "poll", "drop", "exit outer", "exit inner"];
    assert_eq!(log.take(), [&last.map(str::to_owned)[..], &ENDS_AS("Completed")].concat());
    end(task).unwrap();
}

#[test]
fn panic_ends_the_task_after_its_future_is_dropped() {
    let (kept, outer, log) = decorated();
    let owned = Dropped(log.clone());
    let task = outer.spawn_named("named", async move {
        let _owned = owned;
        std::panic::resume_unwind(Box::new("a payload"));
    });
    kept.poll();
    let all = ["enter inner", "enter outer", "drop", "exit outer", "exit inner"];
    assert_eq!(log.take(), [&all.map(str::to_owned)[..], &ENDS_AS("Panicked")].concat());
    let payload = end::<()>(task).unwrap_err().into_panic();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"a payload"));
}

#[test]
fn dropped_future_is_dropped_in_the_scope() {
    for abort in [true, false] {
        let (kept, outer, log) = decorated();
        let owned = Dropped(log.clone());
        let task = outer.spawn_with_handle(async move {
            let _owned = owned;
            pending::<()>().await;
        });
        kept.poll();
        log.take();
        if abort {
            task.abort();
            kept.poll();
        } else {
            kept.tasks.lock().unwrap().clear();
        }
        let all = ["enter inner", "enter outer", "drop", "exit outer", "exit inner"];
        let how = if abort { "Aborted" } else { "Shutdown" };
        assert_eq!(log.take(), [&all.map(str::to_owned)[..], &ENDS_AS(how)].concat());
        assert_eq!(end(task).unwrap_err().is_cancelled(), abort);
    }
}

#[test]
fn raw_and_detached_tasks_have_the_hooks_once() {
    let (kept, outer, log) = decorated();
    outer.spawn(Box::pin(async {}));
    outer.spawn_detached(async {});
    kept.poll();
    let all = ["enter inner", "enter outer", "exit outer", "exit inner"].map(str::to_owned);
    let once = [&all[..], &ENDS_AS("Completed")].concat();
    assert_eq!(log.take(), [once.clone(), once].concat());
}

#[test]
fn jobs_have_the_hooks_too() {
    let (kept, outer, log) = decorated();
    let scope = ["enter inner", "enter outer", "run", "exit outer", "exit inner"];
    let run = |log: &Log| {
        let log = log.clone();
        move || log.add("run")
    };
    let job = outer.spawn_blocking(run(&log));
    outer.execute(Box::new(run(&log)));
    kept.run();
    let once = [&scope.map(str::to_owned)[..], &ENDS_AS("Completed")].concat();
    assert_eq!(log.take(), [once.clone(), once].concat());
    end(job).unwrap();

    let job = outer.spawn_blocking(|| std::panic::resume_unwind(Box::new("a payload")));
    kept.run();
    assert_eq!(log.take()[4..], ENDS_AS("Panicked"));
    assert!(end::<()>(job).unwrap_err().is_panic());

    let owned = Dropped(log.clone());
    let job = outer.spawn_blocking(move || drop(owned));
    kept.jobs.lock().unwrap().clear();
    let scope = ["enter inner", "enter outer", "drop", "exit outer", "exit inner"];
    assert_eq!(log.take(), [&scope.map(str::to_owned)[..], &ENDS_AS("Shutdown")].concat());
    assert!(end(job).unwrap_err().is_shutdown());
}

/// They wait in the pool when their group is aborted.
#[test]
fn jobs_of_an_aborted_group_are_dropped_and_not_run() {
    let (kept, log) = (Arc::new(Kept::default()), Log::default());
    let group = Members::new(CancelToken::new(), None);
    let pool = backend::around_blocking(kept.clone(), Layer::Group(group.clone()));
    let job = || {
        let (owned, log) = (Dropped(log.clone()), log.clone());
        move || {
            log.add("run");
            drop(owned);
        }
    };
    let queued = pool.spawn_blocking(job());
    pool.execute(Box::new(job()));
    assert_eq!(group.len(), 2);
    group.abort_all();
    kept.run();
    assert_eq!(log.take(), ["drop", "drop"]);
    assert!(end(queued).unwrap_err().is_cancelled());
    assert_eq!(group.len(), 0);

    let later = pool.spawn_blocking(job());
    kept.run();
    assert_eq!(log.take(), ["run", "drop"]);
    end(later).unwrap();
}

#[test]
fn refused_task_is_dropped_and_not_spawned() {
    let (kept, outer, log) = decorated();
    let refusing = Decorated::new("refusing", Arc::new(outer), &log);
    let future = |log: &Log| {
        let owned = Dropped(log.clone());
        async move { drop(owned) }
    };
    let task = refusing.spawn_with_handle(future(&log));
    assert!(end(task).unwrap_err().is_shutdown());
    refusing.spawn_detached(future(&log));
    refusing.spawn(Box::pin(future(&log)));
    let job = |log: &Log| {
        let owned = Dropped(log.clone());
        move || drop(owned)
    };
    assert!(end(refusing.spawn_blocking(job(&log))).unwrap_err().is_shutdown());
    refusing.execute(Box::new(job(&log)));
    let scope = ["enter inner", "enter outer", "drop", "exit outer", "exit inner"];
    let each = [&scope.map(str::to_owned)[..], &ENDS_AS("Shutdown")].concat();
    assert_eq!(log.take(), vec![each; 5].concat());
    assert!(kept.tasks.lock().unwrap().is_empty());
    assert!(kept.jobs.lock().unwrap().is_empty());
}

#[test]
fn hook_that_panics_leaves_nothing_of_the_task_behind() {
    let (kept, outer, log) = decorated();
    let panics = Layer::Name(Arc::new(|_, _| panic!("no name")));
    let named = backend::around_spawner(Arc::new(outer), panics);
    // The outermost: it comes before the one that panics.
    let group = Members::new(CancelToken::new(), None);
    let hooked = Decorated {
        spawner: backend::around_spawner(Arc::new(Only(named)), Layer::Group(group.clone())),
        blocking: backend::around_blocking(kept.clone(), decorator("silent", &log)),
    };
    let spawn = || hooked.spawn_with_handle(async {});
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(spawn)).is_err());
    assert!(kept.tasks.lock().unwrap().is_empty());
    assert_eq!(group.len(), 0);
}

/// A spawner with hooks.
struct Only(Layers<dyn Spawner>);

impl Spawner for Only {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.0.spawn(future);
    }

    fn native(&self) -> Native<'_> {
        Native::layered(&self.0)
    }
}

#[test]
fn names_are_changed_from_the_outside_in() {
    fn naming(spawner: Arc<dyn Spawner>, prefix: &'static str, seen: &Log) -> Arc<dyn Spawner> {
        let seen = seen.clone();
        let hook = Layer::Name(Arc::new(move |name, _| {
            seen.add(format!("{prefix} of {name:?}"));
            Some(format!("{prefix}{}", name?).into())
        }));
        Arc::new(Only(backend::around_spawner(spawner, hook)))
    }

    let (kept, seen) = (Arc::new(Kept::default()), Log::default());
    let spawner = naming(naming(kept.clone(), "inner.", &seen), "outer.", &seen);
    let task = spawner.spawn_named("task", async {});
    assert_eq!(task.task_name().as_deref(), Some("inner.outer.task"));
    assert_eq!(seen.take(), [r#"outer. of Some("task")"#, r#"inner. of Some("outer.task")"#]);
    assert_eq!(spawner.spawn_with_handle(async {}).task_name(), None);
    kept.poll();
    end(task).unwrap();
}

#[test]
fn decorators_are_one_list_on_one_base() {
    let (kept, outer, _) = decorated();
    assert_eq!(outer.spawner.depth(), 3);
    assert_eq!(outer.blocking.depth(), 3);
    assert!(std::ptr::addr_eq(outer.spawner.base(), Arc::as_ptr(&kept)));
    assert!(std::ptr::addr_eq(outer.blocking.base(), Arc::as_ptr(&kept)));
}

/// The hooks and the join agree, whichever comes first.
#[test]
fn abort_counts_if_it_comes_before_the_end() {
    let (kept, outer, log) = decorated();
    let task = outer.spawn_with_handle(async {});
    let abort = task.abort_handle();
    outer.spawn_detached(async move { abort.abort() });
    // The task ends in its first poll, and so before the abort.
    kept.poll();
    end(task).unwrap();

    log.take();
    let task = outer.spawn_with_handle(async { 7 });
    task.abort();
    kept.poll();
    let all = ["enter inner", "enter outer", "exit outer", "exit inner"].map(str::to_owned);
    assert_eq!(log.take(), [&all[..], &ENDS_AS("Aborted")].concat());
    assert!(end(task).unwrap_err().is_cancelled());
}

/// A task that is aborted in its last poll was aborted, for its hooks as for its join.
#[test]
fn abort_in_the_last_poll_counts() {
    let (kept, outer, log) = decorated();
    let handle = Arc::new(Mutex::new(None::<crate::AbortHandle>));
    let own = handle.clone();
    let task = outer.spawn_with_handle(async move {
        own.lock().unwrap().as_ref().unwrap().abort();
    });
    *handle.lock().unwrap() = Some(task.abort_handle());
    kept.poll();
    let ends = log.take();
    assert_eq!(ends[ends.len() - 2..], ENDS_AS("Aborted"));
    assert!(end(task).unwrap_err().is_cancelled());
}

#[test]
fn job_that_is_aborted_while_it_runs_counts_as_aborted() {
    let (kept, outer, log) = decorated();
    let handle = Arc::new(Mutex::new(None::<crate::AbortHandle>));
    let own = handle.clone();
    let job = outer.spawn_blocking(move || own.lock().unwrap().as_ref().unwrap().abort());
    *handle.lock().unwrap() = Some(job.abort_handle());
    kept.run();
    let ends = log.take();
    assert_eq!(ends[ends.len() - 2..], ENDS_AS("Aborted"));
    assert!(end(job).unwrap_err().is_cancelled());
}

/// Panics where it can, and calls nothing.
struct Broken;

impl TaskHook for Broken {
    fn scope(&self, _: &mut dyn FnMut()) {
        std::panic::resume_unwind(Box::new("no scope"));
    }

    fn end(&self, _: TaskEnd) {
        std::panic::resume_unwind(Box::new("no end"));
    }
}

impl SpawnHook for Broken {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        spawning.add(Arc::new(Broken));
    }
}

#[test]
fn hook_that_panics_in_a_task_harms_nobody() {
    let (kept, outer, log) = decorated();
    let broken = backend::around_spawner(Arc::new(outer), Layer::Hook(Arc::new(Broken)));
    let task = Only(broken).spawn_with_handle(async { 7 });
    kept.poll();
    let all = ["enter inner", "enter outer", "exit outer", "exit inner"].map(str::to_owned);
    assert_eq!(log.take(), [&all[..], &ENDS_AS("Completed")].concat());
    assert_eq!(end(task).unwrap(), 7);
}
