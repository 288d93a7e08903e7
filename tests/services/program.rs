//! Needs across services and jobs.

use std::sync::{Arc, Mutex};

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{
    ActionContext, Part, PartError, Program, Service, ServiceContext, ServicePhase, ServiceStack,
    Task, TaskContext, TaskStack, TaskState,
};
use serde_json::{Value, json};

use crate::everywhere::everywhere;
use crate::probe::{Alive, Does, LONG, Refused, SHORT, act, until};

everywhere! {
    start_all_orders_both_kinds,
    independent_parts_start_at_the_same_time,
    job_of_a_service_that_runs_is_not_run_again,
    job_is_run_once_for_all_that_need_it,
    actions_of_one_job_are_told_apart,
    failed_job_holds_back_what_needs_it,
    failed_service_holds_back_the_job,
    action_that_does_not_fit_is_an_error,
    job_that_runs_is_waited_for,
    cycles_are_named_with_their_path,
    unknown_needs_are_named,
    complete_starts_what_the_job_needs,
    start_all_goes_on_where_it_was,
    stop_all_goes_backwards,
    stop_all_ends_jobs_that_services_start_meanwhile,
    needs_are_shared_by_clones,
}

type Log = Arc<Mutex<Vec<String>>>;

fn note(log: &Log, line: String) {
    log.lock().unwrap().push(line);
}

fn lines(log: &Log) -> Vec<String> {
    log.lock().unwrap().clone()
}

struct Named {
    name: &'static str,
    log: Log,
    start: Does,
}

impl Service for Named {
    type Action = ();
    type Event = ();
    type Error = Refused;
    type Ready = ();

    async fn start(&self, cx: &ServiceContext) -> Result<(), Refused> {
        act(self.start, "start", &cx.cancel_token(), Alive::default()).await?;
        note(&self.log, format!("{} runs", self.name));
        Ok(())
    }

    async fn run(&self, (): (), cx: ServiceContext) -> Result<(), Refused> {
        cx.cancel_token().cancelled().await;
        note(&self.log, format!("{} ends", self.name));
        Ok(())
    }

    async fn dispatch(&self, (): (), _: ActionContext<()>) -> Result<(), Refused> {
        Ok(())
    }
}

/// Its actions are the words that it notes.
struct Job {
    name: &'static str,
    log: Log,
    does: Mutex<Does>,
}

impl Task for Job {
    type Action = String;
    type Event = ();
    type Output = ();
    type Error = Refused;

    /// As far as the log tells.
    async fn is_completed(&self, action: &String, _: &TaskContext<()>) -> Result<bool, Refused> {
        Ok(action == "old")
    }

    async fn run(&self, action: String, cx: TaskContext<()>) -> Result<(), Refused> {
        note(&self.log, format!("{} {action} begins", self.name));
        let does = *self.does.lock().unwrap();
        act(does, "job", &cx.cancel_token(), Alive::default()).await?;
        note(&self.log, format!("{} {action}", self.name));
        Ok(())
    }
}

/// `api` needs `db` in its stack. Nothing is needed across kinds yet.
fn program(rt: &Arc<dyn Runtime>, job: Does, start: impl Fn(&str) -> Does) -> (Program, Log) {
    let log = Log::default();
    let (services, tasks) = (ServiceStack::new(rt.clone()), TaskStack::new(rt.clone()));
    for (name, needs) in [("api", &["db"][..]), ("db", &[]), ("mail", &[])] {
        let part = Named { name, log: log.clone(), start: start(name) };
        services.register(name, part, needs).unwrap();
    }
    for name in ["migrate", "import"] {
        tasks.register(name, Job { name, log: log.clone(), does: Mutex::new(job) }).unwrap();
    }
    (Program::new(services, tasks), log)
}

fn fine(_: &str) -> Does {
    Does::Yield(1)
}

fn migrate() -> Part {
    Part::job("migrate", json!("all"))
}

/// `api` needs `migrate`, which needs `db`.
fn usual(rt: &Arc<dyn Runtime>, job: Does, start: impl Fn(&str) -> Does) -> (Program, Log) {
    let (program, log) = program(rt, job, start);
    program.needs(Part::service("api"), [migrate()]);
    program.job_needs("migrate", [Part::service("db")]);
    (program, log)
}

fn position(log: &Log, line: &str) -> usize {
    let lines = lines(log);
    lines.iter().position(|it| it == line).unwrap_or_else(|| panic!("no '{line}' in {lines:?}"))
}

fn phase(program: &Program, name: &str) -> ServicePhase {
    program.services().get(name).unwrap().state().phase()
}

async fn start_all_orders_both_kinds(rt: Arc<dyn Runtime>) {
    let (program, log) = usual(&rt, Does::Yield(2), fine);
    // Its future may be spawned.
    let starting = program.clone();
    rt.spawn_with_handle(async move { starting.start_all().await }).await.unwrap().unwrap();
    assert!(position(&log, "db runs") < position(&log, "migrate all begins"));
    assert!(position(&log, "migrate all") < position(&log, "api runs"));
    assert_eq!(phase(&program, "mail"), ServicePhase::Running);
    assert!(!lines(&log).iter().any(|line| line.starts_with("import")), "nothing needs it");
    program.stop_all(LONG).await.unwrap();
    assert!(program.services().list().iter().all(|it| it.state.is_ended()));
}

async fn independent_parts_start_at_the_same_time(rt: Arc<dyn Runtime>) {
    let (program, log) = usual(&rt, Does::Follow, fine);
    let starting = program.clone();
    let start = rt.spawn_with_handle(async move { starting.start_all().await });
    // The job waits for ever, and `mail` does not wait for it.
    until(&rt, || lines(&log).iter().any(|line| line == "mail runs")).await;
    until(&rt, || lines(&log).iter().any(|line| line == "migrate all begins")).await;
    assert_eq!(phase(&program, "api"), ServicePhase::Stopped);
    program.tasks().cancel_all().await;
    assert!(start.await.unwrap().unwrap_err().is_failed());
    program.stop_all(LONG).await.unwrap();
}

async fn job_of_a_service_that_runs_is_not_run_again(rt: Arc<dyn Runtime>) {
    let (program, log) = usual(&rt, Does::Return, fine);
    program.start_all().await.unwrap();
    program.services().stop("mail", LONG).await.unwrap();
    let before = lines(&log);
    program.start_all().await.unwrap();
    assert_eq!(lines(&log)[before.len()..], ["mail runs"]);
    program.stop_all(LONG).await.unwrap();
}

async fn job_is_run_once_for_all_that_need_it(rt: Arc<dyn Runtime>) {
    let (program, log) = usual(&rt, Does::Return, fine);
    program.needs(Part::service("mail"), [migrate(), migrate()]);
    program.start_all().await.unwrap();
    assert_eq!(lines(&log).iter().filter(|line| *line == "migrate all").count(), 1);
    assert!(position(&log, "migrate all") < position(&log, "mail runs"));
    program.stop_all(LONG).await.unwrap();
}

async fn actions_of_one_job_are_told_apart(rt: Arc<dyn Runtime>) {
    let (program, log) = usual(&rt, Does::Yield(2), fine);
    let check = Part::job("import", json!("check"));
    // An action of a job may need another action of the same job.
    program.needs(Part::job("import", json!("data")), [check.clone()]);
    program.needs(Part::service("mail"), [Part::job("import", json!("data"))]);
    program.start("mail").await.unwrap();
    let begun = ["import check begins", "import check"];
    assert_eq!(lines(&log)[..2], begun);
    assert_eq!(phase(&program, "mail"), ServicePhase::Running);
    assert_eq!(phase(&program, "db"), ServicePhase::Stopped);
    program.stop_all(LONG).await.unwrap();
}

async fn failed_job_holds_back_what_needs_it(rt: Arc<dyn Runtime>) {
    let (program, log) = usual(&rt, Does::Fail, fine);
    let error = program.start_all().await.unwrap_err();
    assert!(error.is_failed() && !error.is_cycle() && !error.is_unknown());
    let failed: Vec<_> = error.failures().map(|(part, _)| part.clone()).collect();
    assert_eq!(failed, [migrate()]);
    let reason = error.failures().next().unwrap().1;
    assert!(matches!(reason, PartError::Job(error) if !error.is_cancelled()));
    assert_eq!(error.held_back(), [Part::service("api")]);
    assert_eq!(
        error.to_string(),
        "task 'migrate' failed: job refused; service 'api' was not started because a need was not met"
    );
    assert_eq!(phase(&program, "db"), ServicePhase::Running);
    assert_eq!(phase(&program, "mail"), ServicePhase::Running);
    assert!(!lines(&log).iter().any(|line| line.starts_with("api")));
    program.stop_all(LONG).await.unwrap();
}

async fn failed_service_holds_back_the_job(rt: Arc<dyn Runtime>) {
    let start = |name: &str| if name == "db" { Does::Fail } else { Does::Return };
    let (program, log) = usual(&rt, Does::Return, start);
    let error = program.start_all().await.unwrap_err();
    assert_eq!(error.held_back(), [Part::service("api"), migrate()]);
    assert_eq!(
        error.to_string(),
        "service 'db' failed to start: `start` of service 'db' failed: start refused; \
         service 'api', task 'migrate' with \"all\" were not started because a need was not met"
    );
    assert_eq!(lines(&log), ["mail runs"]);
    program.stop_all(LONG).await.unwrap();
}

async fn action_that_does_not_fit_is_an_error(rt: Arc<dyn Runtime>) {
    let (program, _) = program(&rt, Does::Return, fine);
    program.needs(Part::service("mail"), [Part::job("migrate", json!(7))]);
    let error = program.start("mail").await.unwrap_err();
    let (_, reason) = error.failures().next().unwrap();
    assert!(matches!(reason, PartError::Refused(error) if error.is_misfit()));
    assert!(
        error.to_string().starts_with("invalid action for task 'migrate': invalid type"),
        "{error}"
    );
    assert_eq!(phase(&program, "mail"), ServicePhase::Stopped);
}

async fn job_that_runs_is_waited_for(rt: Arc<dyn Runtime>) {
    let (program, log) = usual(&rt, Does::Follow, fine);
    let first = program.tasks().execute("migrate", json!("other")).unwrap();
    until(&rt, || lines(&log).len() == 1).await;
    let starting = program.clone();
    let start = rt.spawn_with_handle(async move { starting.start_all().await });
    until(&rt, || phase(&program, "mail") == ServicePhase::Running).await;
    until(&rt, || phase(&program, "db") == ServicePhase::Running).await;
    assert_eq!(phase(&program, "api"), ServicePhase::Stopped);
    // Its failure is not that of the job that is needed.
    assert!(first.handle.cancel().await.unwrap_err().is_cancelled());
    until(&rt, || lines(&log).iter().any(|line| line == "migrate all begins")).await;
    program.tasks().cancel_all().await;
    assert_eq!(start.await.unwrap().unwrap_err().held_back(), [Part::service("api")]);
    program.stop_all(LONG).await.unwrap();
}

async fn cycles_are_named_with_their_path(rt: Arc<dyn Runtime>) {
    let (program, log) = usual(&rt, Does::Return, fine);
    program.needs(Part::service("db"), [Part::service("api")]);
    let error = program.start_all().await.unwrap_err();
    assert!(error.is_cycle() && !error.is_failed() && !error.is_unknown());
    assert_eq!(
        error.to_string(),
        "cyclic dependency: service 'api' needs service 'db' needs service 'api'"
    );

    let (program, _) = usual(&rt, Does::Return, fine);
    program.job_needs("migrate", [Part::service("mail")]);
    program.needs(Part::service("mail"), [Part::job("import", json!({ "b": 1, "a": [2] }))]);
    // The fields of an object have no order.
    program.needs(Part::job("import", json!({ "a": [2], "b": 1 })), [migrate()]);
    let error = program.complete("migrate", json!("all")).await.unwrap_err();
    let import = Part::job("import", json!({ "a": [2], "b": 1 }));
    assert_eq!(error.cycle().unwrap(), [migrate(), Part::service("mail"), import, migrate()]);
    assert_eq!(
        error.to_string(),
        "cyclic dependency: task 'migrate' with \"all\" needs service 'mail' needs \
         task 'import' with {\"a\":[2],\"b\":1} needs task 'migrate' with \"all\""
    );
    // They concern those that need them.
    program.start("db").await.unwrap();
    program.stop_all(LONG).await.unwrap();
    assert!(lines(&log).is_empty());
}

async fn unknown_needs_are_named(rt: Arc<dyn Runtime>) {
    let (program, log) = usual(&rt, Does::Return, fine);
    program.job_needs("migrate", [Part::service("cache")]);
    let error = program.start_all().await.unwrap_err();
    assert!(error.is_unknown());
    assert_eq!(
        error.to_string(),
        "task 'migrate' with \"all\" needs unknown service 'cache'; \
         registered: 'api', 'db', 'mail'"
    );
    program.needs(Part::service("mail"), [Part::job("migrat", Value::Null)]);
    let error = program.start("mail").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "service 'mail' needs unknown task 'migrat'; registered: 'import', 'migrate'"
    );
    let error = program.start("nobody").await.unwrap_err();
    assert_eq!(error.to_string(), "unknown service 'nobody'; registered: 'api', 'db', 'mail'");
    let error = program.complete("nothing", json!(1)).await.unwrap_err();
    assert_eq!(error.to_string(), "unknown task 'nothing'; registered: 'import', 'migrate'");
    assert!(lines(&log).is_empty());
}

async fn complete_starts_what_the_job_needs(rt: Arc<dyn Runtime>) {
    let (program, log) = usual(&rt, Does::Return, fine);
    program.complete("migrate", json!("all")).await.unwrap();
    assert_eq!(lines(&log), ["db runs", "migrate all begins", "migrate all"]);
    // The job says so itself.
    let (other, log) = usual(&rt, Does::Fail, fine);
    other.complete("migrate", json!("old")).await.unwrap();
    assert_eq!(lines(&log), ["db runs"]);
    for program in [program, other] {
        program.stop_all(LONG).await.unwrap();
    }
}

async fn start_all_goes_on_where_it_was(rt: Arc<dyn Runtime>) {
    let (program, log) = usual(&rt, Does::Yield(1), fine);
    let mut start = Box::pin(program.start_all());
    // On threads, it may get to its end in the one poll.
    let early = futures_lite::future::poll_once(&mut start).await;
    assert!(early.is_none_or(|started| started.is_ok()));
    drop(start);
    program.start_all().await.unwrap();
    assert!(position(&log, "migrate all") < position(&log, "api runs"));
    program.stop_all(LONG).await.unwrap();
}

async fn stop_all_goes_backwards(rt: Arc<dyn Runtime>) {
    let (program, log) = program(&rt, Does::Return, fine);
    // By way of a job alone.
    program.needs(Part::service("mail"), [migrate()]);
    program.job_needs("migrate", [Part::service("db")]);
    program.start_all().await.unwrap();
    // So that each has come to what it does.
    rt.sleep(SHORT).await;
    let hangs = program.tasks().get("import").unwrap();
    program.stop_all(LONG).await.unwrap();
    assert!(position(&log, "mail ends") < position(&log, "db ends"));
    assert!(position(&log, "api ends") < position(&log, "db ends"));
    assert!(!hangs.state().is_running());

    // Cycles stop, too, and so do running jobs.
    let (program, log) = usual(&rt, Does::Follow, fine);
    program.services().start_all().await.unwrap();
    program.needs(Part::service("db"), [migrate()]);
    let run = program.tasks().execute("migrate", json!("all")).unwrap();
    until(&rt, || lines(&log).iter().any(|line| line == "migrate all begins")).await;
    program.stop_all(LONG).await.unwrap();
    assert!(run.await.unwrap_err().is_cancelled());
    assert!(program.services().list().iter().all(|it| it.state.is_ended()));
}

async fn needs_are_shared_by_clones(rt: Arc<dyn Runtime>) {
    let (program, log) = program(&rt, Does::Return, fine);
    program.clone().needs(Part::service("mail"), [migrate()]);
    program.start("mail").await.unwrap();
    assert_eq!(lines(&log), ["migrate all begins", "migrate all", "mail runs"]);
    assert!(format!("{program:?}").contains(r#"["api", "db", "mail"]"#), "{program:?}");
    program.stop_all(LONG).await.unwrap();
}

/// Starts a job as it stops.
struct Server(TaskStack);

impl Service for Server {
    type Action = ();
    type Event = ();
    type Error = Refused;
    type Ready = ();

    async fn start(&self, _: &ServiceContext) -> Result<(), Refused> {
        Ok(())
    }

    async fn run(&self, (): (), cx: ServiceContext) -> Result<(), Refused> {
        cx.cancel_token().cancelled().await;
        drop(self.0.execute("import", json!("late")).unwrap());
        Ok(())
    }

    async fn dispatch(&self, (): (), _: ActionContext<()>) -> Result<(), Refused> {
        Ok(())
    }
}

async fn stop_all_ends_jobs_that_services_start_meanwhile(rt: Arc<dyn Runtime>) {
    let (program, _) = program(&rt, Does::Follow, fine);
    let server = Server(program.tasks().clone());
    program.services().register("server", server, &[]).unwrap();
    program.start_all().await.unwrap();
    program.stop_all(LONG).await.unwrap();
    let state = program.tasks().get("import").unwrap().state();
    assert!(matches!(state, TaskState::Failed(_)), "{state}");
}
