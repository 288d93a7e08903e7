use async_runtime_compat::prelude::*;

fn wait(timer: &dyn Timer) {
    drop(timer.sleep(std::time::Duration::ZERO));
}

fn main() {
    wait(&std::time::Instant::now());
}
