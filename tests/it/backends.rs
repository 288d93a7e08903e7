//! What is particular to one backend.

#[cfg(feature = "tokio")]
mod tokio {
    use async_runtime_compat::prelude::*;
    use async_runtime_compat::tokio::TokioSpawner;
    use futures_lite::future::block_on;

    #[test]
    fn current_outside_of_a_runtime_says_what_to_do() {
        let error = TokioSpawner::current().unwrap_err();
        let text = error.to_string();
        for word in ["no tokio runtime", "#[tokio::main]", "TokioSpawner::new"] {
            assert!(text.contains(word), "no `{word}` in: {text}");
        }
    }

    #[test]
    fn current_in_every_place_where_there_is_a_runtime() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let id = runtime.handle().id();
        let current = || TokioSpawner::current().unwrap().handle().id();
        assert_eq!(runtime.block_on(async { current() }), id);
        assert_eq!(runtime.block_on(runtime.spawn(async move { current() })).unwrap(), id);
        assert_eq!(runtime.block_on(runtime.spawn_blocking(current)).unwrap(), id);
        let _guard = runtime.enter();
        assert_eq!(current(), id);
    }

    #[test]
    fn current_on_a_thread_that_ends_is_an_error_and_not_a_panic() {
        use std::cell::RefCell;
        use std::sync::mpsc;

        struct AsksAtTheEnd(mpsc::Sender<String>);

        impl Drop for AsksAtTheEnd {
            fn drop(&mut self) {
                let _ = self.0.send(TokioSpawner::current().unwrap_err().to_string());
            }
        }

        thread_local! {
            static AT_THE_END: RefCell<Option<AsksAtTheEnd>> = const { RefCell::new(None) };
        }

        let (asked, answer) = mpsc::channel();
        std::thread::spawn(move || AT_THE_END.set(Some(AsksAtTheEnd(asked)))).join().unwrap();
        assert!(answer.recv().unwrap().contains("TokioSpawner::new"));
    }

    #[test]
    fn runtime_that_shuts_down_in_the_background_resolves_every_join() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let spawner = TokioSpawner::new(runtime.handle().clone());
        let task = spawner.spawn_with_handle(std::future::pending::<()>());
        runtime.shutdown_background();
        assert!(block_on(task).unwrap_err().is_shutdown());
    }

    #[test]
    fn task_waits_for_somebody_to_drive_the_runtime() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let spawner = TokioSpawner::new(runtime.handle().clone());
        let task = spawner.spawn_with_handle(async { 7 });
        assert!(!task.is_finished());
        assert_eq!(runtime.block_on(task).unwrap(), 7);
    }
}

#[cfg(feature = "async-std")]
mod async_std {
    use async_runtime_compat::async_std::AsyncStdSpawner;
    use async_runtime_compat::prelude::*;
    use async_std::task;

    #[test]
    fn names_are_native_names() {
        let name = AsyncStdSpawner
            .spawn_named("conn-7", async { task::current().name().map(str::to_owned) });
        assert_eq!(task::block_on(name).unwrap().as_deref(), Some("conn-7"));
    }

    #[test]
    fn task_locals_work() {
        async_std::task_local! {
            static NUMBER: std::cell::Cell<u32> = std::cell::Cell::new(1);
        }
        let read = AsyncStdSpawner.spawn_with_handle(async {
            NUMBER.with(|number| number.set(number.get() + 1));
            async_runtime_compat::yield_now().await;
            NUMBER.with(std::cell::Cell::get)
        });
        assert_eq!(task::block_on(read).unwrap(), 2);
    }
}

#[cfg(feature = "async-executor")]
mod async_executor {
    use std::sync::Arc;

    use async_executor::Executor;
    use async_runtime_compat::async_executor::ExecutorSpawner;
    use async_runtime_compat::prelude::*;
    use futures_lite::future::block_on;

    #[test]
    fn task_that_holds_its_spawner_does_not_keep_the_executor() {
        let executor = Arc::new(Executor::new());
        let spawner: Arc<dyn Spawner> = Arc::new(ExecutorSpawner::new(executor.clone()));
        let holds = spawner.clone();
        let task = spawner.spawn_with_handle(async move {
            std::future::pending::<()>().await;
            drop(holds);
        });
        let weak = Arc::downgrade(&executor);
        drop(executor);
        assert!(weak.upgrade().is_none());
        assert!(block_on(task).unwrap_err().is_shutdown());
    }

    #[test]
    fn spawner_of_an_executor_that_nobody_kept() {
        let spawner = ExecutorSpawner::new(Arc::new(Executor::new()));
        let error = block_on(spawner.spawn_with_handle(async {})).unwrap_err();
        assert!(error.is_shutdown());
        assert!(error.to_string().contains("its runtime was shut down"), "{error}");
    }

    #[test]
    fn one_thread_runs_in_order() {
        let executor = Arc::new(Executor::new());
        let spawner = ExecutorSpawner::new(executor.clone());
        let order = Arc::new(std::sync::Mutex::new(Vec::new()));
        let task = |n: u32| {
            let order = order.clone();
            spawner.spawn_with_handle(async move {
                for step in 0..2 {
                    order.lock().unwrap().push((n, step));
                    async_runtime_compat::yield_now().await;
                }
            })
        };
        let (first, second) = (task(1), task(2));
        block_on(executor.run(async { (first.await.unwrap(), second.await.unwrap()) }));
        assert_eq!(*order.lock().unwrap(), [(1, 0), (2, 0), (1, 1), (2, 1)]);
    }
}

mod own_spawner {
    use async_runtime_compat::FnSpawner;
    use async_runtime_compat::prelude::*;
    use futures_lite::future::block_on;

    #[test]
    fn spawner_that_drops_tasks_is_one_that_is_shut_down() {
        let spawner = FnSpawner::new(drop);
        assert!(block_on(spawner.spawn_with_handle(async {})).unwrap_err().is_shutdown());
    }

    #[test]
    fn spawner_that_panics_does_so_to_its_caller() {
        let spawner = FnSpawner::new(|_task| panic!("no more tasks"));
        let spawn = || spawner.spawn_with_handle(async {});
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(spawn)).is_err());
    }

    #[test]
    fn task_polled_on_after_its_end_stays_ended() {
        // An executor that polls a task once more than it should.
        let spawner = FnSpawner::new(|mut task: BoxFuture<'static, ()>| {
            std::thread::spawn(move || {
                block_on(&mut task);
                block_on(&mut task);
            });
        });
        assert_eq!(block_on(spawner.spawn_with_handle(async { 7 })).unwrap(), 7);
    }

    #[test]
    fn error_that_is_no_panic_gives_itself_back() {
        let error = block_on(FnSpawner::new(drop).spawn_with_handle(async {})).unwrap_err();
        let error = error.try_into_panic().unwrap_err();
        assert!(error.is_shutdown());
        let panic = std::panic::catch_unwind(|| drop(error.into_panic())).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains("a task that did not panic"), "{message}");
    }
}
