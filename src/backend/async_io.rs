//! The timer of async-io, which smol, async-std and async-executor share.

/// Makes a spawner the timer of its runtime.
macro_rules! timer {
    ($spawner:ty, $self:ident => $kind:expr) => {
        impl $crate::seam::Timer for $spawner {
            #[inline]
            fn now(&self) -> std::time::Instant {
                std::time::Instant::now()
            }

            #[inline]
            fn system_time(&self) -> std::time::SystemTime {
                std::time::SystemTime::now()
            }

            #[inline]
            fn sleep(&self, duration: std::time::Duration) -> $crate::seam::Sleep {
                $crate::seam::sleep::IoSleep::after(duration).into()
            }

            #[inline]
            fn native_timer(&$self) -> $crate::seam::Native<'_> {
                $crate::seam::Native($kind)
            }
        }
    };
}
pub(super) use timer;
