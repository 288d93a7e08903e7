//! Requesting many tasks to end.

mod node;

use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use self::node::Node;

/// A request to end, which any number of tasks can check and await, on any runtime.
///
/// Clones refer to the same token. Cancelling is only a request: it aborts nothing, and a task that
/// never checks the token runs on. A [child](CancelToken::child_token) is cancelled with its parent;
/// cancelling a child does not affect the parent.
///
/// Dropping a token cancels nothing, and removes it from its parent. To cancel a token when its owner
/// is dropped, use [`cancel_on_drop`](CancelToken::cancel_on_drop).
///
/// # Comparison to tokio-util's `CancellationToken`
///
/// It behaves the same, and does not need tokio. [`cancelled`](CancelToken::cancelled) replaces both
/// `cancelled` and `cancelled_owned`, since the [`Cancelled`] future owns a reference to the token.
/// `drop_guard` is called [`cancel_on_drop`](CancelToken::cancel_on_drop), after
/// [`abort_on_drop`](crate::JoinHandle::abort_on_drop).
///
/// # Examples
///
/// ```
/// use async_runtime_compat::CancelToken;
///
/// let server = CancelToken::new();
/// let connection = server.child_token();
///
/// connection.cancel();
/// assert!(!server.is_cancelled());
///
/// let other = server.child_token();
/// server.cancel();
/// assert!(other.is_cancelled());
/// # futures_lite::future::block_on(async {
/// other.cancelled().await;
/// assert_eq!(other.run_until_cancelled(std::future::pending::<u8>()).await, None);
/// # });
/// ```
#[derive(Clone)]
pub struct CancelToken {
    node: Arc<Node>,
}

impl CancelToken {
    /// Creates a token without a parent.
    #[must_use]
    pub fn new() -> CancelToken {
        CancelToken { node: Node::root() }
    }

    /// Creates a token that is cancelled with this one, and can be cancelled by itself before that.
    ///
    /// The child of a cancelled token is cancelled from the start. Dropping this token does not detach
    /// the child from the tree: cancelling a token further up still reaches it.
    #[must_use]
    pub fn child_token(&self) -> CancelToken {
        CancelToken { node: self.node.child() }
    }

    /// Cancels the token and all its descendants.
    ///
    /// They are all cancelled when this returns. The tasks that wait for a token are woken in the order
    /// in which they began to wait. A cancelled token cannot be reset; create a new one.
    ///
    /// # Errors
    ///
    /// Cannot fail. Cancelling again does nothing, and does not wait for a first call that is still
    /// walking the tree on another thread.
    pub fn cancel(&self) {
        self.node.cancel();
    }

    /// Returns whether the token, or one of its ancestors, was cancelled.
    ///
    /// This reads one atomic variable, so it is cheap enough for every iteration of a loop.
    #[inline]
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.node.is_cancelled()
    }

    /// Waits until the token is cancelled.
    ///
    /// Dropping the future ends the wait.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a cancelled token stays cancelled.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub fn cancelled(&self) -> Cancelled {
        Cancelled { node: self.node.clone(), key: None }
    }

    /// Runs a future until it completes, or until the token is cancelled.
    ///
    /// Returns `None` if the token was cancelled; the future is then dropped. If the token was
    /// cancelled before the first poll, the future is never polled. From then on the future is polled
    /// first: if it completes in the poll that notices the cancellation, its output is returned, as
    /// with tokio-util's `run_until_cancelled`.
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as the future.
    ///
    /// # Examples
    ///
    /// ```
    /// use async_runtime_compat::CancelToken;
    ///
    /// async fn serve(token: CancelToken, accept: impl AsyncFn() -> u32) {
    ///     while let Some(connection) = token.run_until_cancelled(accept()).await {
    ///         println!("connection {connection}");
    ///     }
    /// }
    /// ```
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub fn run_until_cancelled<F: Future>(&self, future: F) -> RunUntilCancelled<F> {
        RunUntilCancelled { future, cancelled: self.cancelled(), begun: false }
    }

    /// Binds the token to a guard: dropping the guard cancels the token.
    pub fn cancel_on_drop(self) -> CancelOnDrop {
        CancelOnDrop { token: self, armed: true }
    }
}

impl Default for CancelToken {
    /// The same as [`CancelToken::new`].
    fn default() -> CancelToken {
        CancelToken::new()
    }
}

/// Tokens are equal if they are clones of each other, as with [`Arc::ptr_eq`]. A child is not equal to its parent,
/// nor to another child, whether they are cancelled or not.
impl PartialEq for CancelToken {
    fn eq(&self, other: &CancelToken) -> bool {
        Arc::ptr_eq(&self.node, &other.node)
    }
}

impl Eq for CancelToken {}

/// A token's hash is that of its identity, so that clones are one key of a map. It does not change when the token
/// is cancelled, which clippy's `mutable_key_type` cannot know: list the type under `ignore-interior-mutability` in
/// `clippy.toml`.
impl Hash for CancelToken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.node).hash(state);
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").field("is_cancelled", &self.is_cancelled()).finish()
    }
}

/// Waits until a token is cancelled; returned by [`CancelToken::cancelled`].
///
/// It borrows nothing and may be awaited on any runtime. Dropping it ends the wait. Once it is ready
/// it stays ready.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Cancelled {
    node: Arc<Node>,
    key: Option<u64>,
}

impl Future for Cancelled {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.node.poll_cancelled(&mut this.key, cx.waker())
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.node.forget_waiting(key);
        }
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancelled").finish_non_exhaustive()
    }
}

pin_project! {
    /// Runs a future until a token is cancelled; returned by [`CancelToken::run_until_cancelled`].
    ///
    /// It does not borrow the token. Dropping it drops the future. Awaiting it drops the future before
    /// the result is returned; when it is polled by reference, the future is kept until this is
    /// dropped.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct RunUntilCancelled<F> {
        #[pin]
        future: F,
        cancelled: Cancelled,
        begun: bool,
    }
}

impl<F: Future> Future for RunUntilCancelled<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let this = self.project();
        if !*this.begun {
            *this.begun = true;
            if this.cancelled.node.is_cancelled() {
                return Poll::Ready(None);
            }
        }
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Some(output));
        }
        Pin::new(this.cancelled).poll(cx).map(|()| None)
    }
}

impl<F> fmt::Debug for RunUntilCancelled<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunUntilCancelled").finish_non_exhaustive()
    }
}

/// Cancels a token when it is dropped; returned by [`CancelToken::cancel_on_drop`].
#[must_use = "dropping the guard cancels the token at once"]
pub struct CancelOnDrop {
    token: CancelToken,
    armed: bool,
}

impl CancelOnDrop {
    /// Returns the token, which a drop no longer cancels.
    #[must_use = "dropping the guard's token discards the last way to cancel it"]
    pub fn into_token(mut self) -> CancelToken {
        self.armed = false;
        self.token.clone()
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if self.armed {
            self.token.cancel();
        }
    }
}

impl fmt::Debug for CancelOnDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelOnDrop").finish_non_exhaustive()
    }
}
