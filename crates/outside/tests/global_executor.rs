//! The conformance suite on async-global-executor, which the core does not know.

use async_runtime_compat::hook::{Hooked, SpawnHook, Spawning};
use async_runtime_compat::smol::SmolSpawner;
use async_runtime_compat::{Ambient, with_timer};
use async_runtime_compat_conformance::{Subject, conformance_tests};
use async_runtime_compat_outside::global_executor::GlobalSpawner;

/// It is the whole process's, and has no shutdown.
const NO_SHUTDOWN: [&str; 2] = ["c5", "c15::spawned_after_shutdown"];

mod alone {
    use super::*;

    conformance_tests!(
        Subject::new(GlobalSpawner).timer(GlobalSpawner).blocking(GlobalSpawner).skips(NO_SHUTDOWN)
    );
}

/// With the timer of a built-in backend on the same reactor in place of the adapter's own.
mod with_smols_timer {
    use super::*;

    conformance_tests!(
        Subject::new(GlobalSpawner).timer(with_timer(GlobalSpawner, SmolSpawner)),
        clauses: [C12]
    );
}

/// Behind decorators: of the core's, and of somebody else's with a hook that adds nothing.
mod decorated {
    use super::*;

    struct Nothing;

    impl SpawnHook for Nothing {
        fn spawn(&self, _: &mut Spawning<'_>) {}
    }

    fn decorated() -> Subject {
        let runtime = Ambient::new(Hooked::new(GlobalSpawner, Nothing));
        Subject::new(runtime.clone()).blocking(runtime).skips(NO_SHUTDOWN)
    }

    conformance_tests!(decorated(), clauses: [C1, C2, C3, C4, C9, C14, C15]);
}
