//! Telling many tasks at once that they should come to an end.

mod node;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use self::node::Node;

/// A request to come to an end, which many can see and await, on any runtime.
///
/// Clones are the same token. Cancelling it is a request and no more: it aborts nothing, and a task
/// that never looks runs on. A [child](CancelToken::child_token) is cancelled with its parent, and
/// by itself without it.
///
/// Dropping a token cancels nothing, and leaves nothing behind: not with its parent, either. For
/// one that is cancelled when its owner goes there is
/// [`cancel_on_drop`](CancelToken::cancel_on_drop).
///
/// # Comparison to tokio-util's `CancellationToken`
///
/// It means the same, and needs no tokio. `cancelled` and `cancelled_owned` are one: the
/// [`Cancelled`] future owns its share in the token. `drop_guard` is
/// [`cancel_on_drop`](CancelToken::cancel_on_drop), named as
/// [`abort_on_drop`](crate::JoinHandle::abort_on_drop) is.
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
    /// A token that has no parent.
    #[must_use]
    pub fn new() -> CancelToken {
        CancelToken { node: Node::root() }
    }

    /// A token that is cancelled when this one is, or before.
    ///
    /// The child of a cancelled token is cancelled from the start. Dropping this token does not
    /// take the child off the tree: what is cancelled above reaches it.
    #[must_use]
    pub fn child_token(&self) -> CancelToken {
        CancelToken { node: self.node.child() }
    }

    /// Cancels the token, and all tokens below it. They are when it returns.
    ///
    /// Those who wait for one token are woken in the order in which they began to. A token cannot
    /// be made whole again: make a new one.
    ///
    /// # Errors
    ///
    /// Cannot fail. Cancelling again does nothing; while the first call is still on its way through
    /// the tree, on another thread, the second one does not wait for it.
    pub fn cancel(&self) {
        self.node.cancel();
    }

    /// Whether the token, or one above it, was cancelled.
    ///
    /// It reads a variable; ask as often as you like.
    #[inline]
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.node.is_cancelled()
    }

    /// Waits until the token is cancelled.
    ///
    /// Dropping the future ends the wait, and leaves nothing behind.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the token stays cancelled, whoever waits for it.
    #[must_use = "a future does nothing unless it is awaited"]
    pub fn cancelled(&self) -> Cancelled {
        Cancelled { node: self.node.clone(), key: None }
    }

    /// Runs a future until it completes or the token is cancelled; then it is dropped, and gives
    /// `None`.
    ///
    /// If the token was cancelled before the first poll, the future is never polled. From then on
    /// the future goes first: one that completes in the poll in which the cancellation is noticed
    /// gives its output. This is as with tokio-util's `run_until_cancelled`.
    ///
    /// # Cancel safety
    ///
    /// As that of the future.
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
    #[must_use = "a future does nothing unless it is awaited"]
    pub fn run_until_cancelled<F: Future>(&self, future: F) -> RunUntilCancelled<F> {
        RunUntilCancelled { future, cancelled: self.cancelled(), begun: false }
    }

    /// Binds the token to a value: dropping what it gives cancels the token.
    pub fn cancel_on_drop(self) -> CancelOnDrop {
        CancelOnDrop { token: self, armed: true }
    }
}

impl Default for CancelToken {
    /// As [`CancelToken::new`].
    fn default() -> CancelToken {
        CancelToken::new()
    }
}

/// Whether they are the same token: clones of each other.
impl PartialEq for CancelToken {
    fn eq(&self, other: &CancelToken) -> bool {
        Arc::ptr_eq(&self.node, &other.node)
    }
}

impl Eq for CancelToken {}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").field("is_cancelled", &self.is_cancelled()).finish()
    }
}

/// Waits until a token is cancelled; made by [`CancelToken::cancelled`].
///
/// It borrows nothing and may be awaited on any runtime. Dropping it ends the wait. It stays ready
/// once it was.
#[must_use = "a future does nothing unless it is awaited"]
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
    /// Runs a future until a token is cancelled; made by [`CancelToken::run_until_cancelled`].
    ///
    /// It borrows nothing but what the future does. Dropping it drops the future. Awaiting it drops
    /// the future before the result is there; whoever polls it by reference keeps the future until
    /// this is dropped.
    #[must_use = "a future does nothing unless it is awaited"]
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

/// Cancels a token when it is dropped; made by [`CancelToken::cancel_on_drop`].
#[must_use = "dropping it cancels the token at once"]
pub struct CancelOnDrop {
    token: CancelToken,
    armed: bool,
}

impl CancelOnDrop {
    /// The token, which is no longer cancelled by a drop.
    #[must_use = "without the token, nobody can cancel it any more"]
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
