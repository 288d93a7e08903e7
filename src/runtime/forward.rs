//! Forwarding the traits to a field.

/// Implements a trait for a type by forwarding to one of its fields.
macro_rules! forward {
    (Spawner, $($field:ident).+: impl<$($generic:ident: $bound:ident),*> $type:ty) => {
        impl<$($generic: $bound),*> $crate::Spawner for $type {
            #[track_caller]
            fn spawn(&self, future: $crate::BoxFuture<'static, ()>) {
                self.$($field).+.spawn(future);
            }

            fn spawn_with(
                &self,
                meta: $crate::SpawnMeta<'_>,
                future: $crate::BoxFuture<'static, ()>,
            ) {
                self.$($field).+.spawn_with(meta, future);
            }

            #[inline]
            fn native(&self) -> $crate::Native<'_> {
                self.$($field).+.native()
            }
        }
    };
    (Timer, $($field:ident).+: impl<$($generic:ident: $bound:ident),*> $type:ty) => {
        impl<$($generic: $bound),*> $crate::Timer for $type {
            fn now(&self) -> std::time::Instant {
                self.$($field).+.now()
            }

            fn system_time(&self) -> std::time::SystemTime {
                self.$($field).+.system_time()
            }

            fn sleep(&self, duration: std::time::Duration) -> $crate::Sleep {
                self.$($field).+.sleep(duration)
            }

            #[inline]
            fn native_timer(&self) -> $crate::Native<'_> {
                self.$($field).+.native_timer()
            }
        }
    };
    (Blocking, $($field:ident).+: impl<$($generic:ident: $bound:ident),*> $type:ty) => {
        impl<$($generic: $bound),*> $crate::Blocking for $type {
            #[track_caller]
            fn execute(&self, job: $crate::BoxJob) {
                self.$($field).+.execute(job);
            }

            fn execute_with(&self, meta: $crate::SpawnMeta<'_>, job: $crate::BoxJob) {
                self.$($field).+.execute_with(meta, job);
            }

            #[inline]
            fn native_blocking(&self) -> $crate::NativeBlocking<'_> {
                self.$($field).+.native_blocking()
            }
        }
    };
}
pub(crate) use forward;
