//! Many faults for a while, and then none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_runtime_compat::{AbortOnDrop, SpawnerExt, Timer, TimerExt};

use crate::clock::{HEADROOM, Offset};
use crate::node::Node;
use crate::rng::SimRng;
use crate::runtime::SimRuntime;

/// Faults that befall nodes, at times that follow from the seed. [`SimRuntime::storm`] begins it.
///
/// A new storm has no faults. It lasts a minute of virtual time; each fault of a node is over after
/// 10 milliseconds to 10 seconds, and one node is down at a time.
///
/// Each fault draws its time, its node and its duration on its own: a storm with one more kill has the
/// same other faults, as far as [`down_at_most`](Storm::down_at_most) leaves room for them.
///
/// What a storm does is a [`Fault`](crate::Fault) as if the program did it: it is on the tape, a failure
/// is shrunk to those that it needs, and [`Check::faults`](crate::Check::faults) limits it by label.
/// One that is switched off changes nothing about the others: to the storm, its node counts as down all
/// the same.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat_sim::{Check, Storm};
///
/// Check::new().runs(50).allow_leaks(true).run(|rt| async move {
///     for name in ["a", "b", "c"] {
///         rt.node(name).start(|rt| async move {
///             loop {
///                 rt.sleep(Duration::from_secs(1)).await; // serve
///             }
///         });
///     }
///     let faults = Storm::new().kill(3).crash(1).freeze(1).partition(3).skew(Duration::from_secs(60));
///     let storm = rt.storm(faults.down_at_most(1));
///     rt.sleep(Duration::from_secs(30)).await; // make requests, which may fail
///     storm.calm().await;
///     // Now they must not fail any more.
///     assert!(["a", "b", "c"].iter().all(|name| rt.node(*name).is_alive()));
/// });
/// ```
#[derive(Clone, Debug)]
#[must_use = "a storm begins with `SimRuntime::storm`"]
pub struct Storm {
    faults: Vec<(Kind, u32)>,
    skew: Option<Duration>,
    down_at_most: usize,
    lasts: Duration,
    outage: RangeInclusive<Duration>,
    nodes: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Kill,
    Crash,
    Pause,
    Freeze,
    Partition,
    Skew,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Kill => "kill",
            Kind::Crash => "crash",
            Kind::Pause => "pause",
            Kind::Freeze => "freeze",
            Kind::Partition => "partition",
            Kind::Skew => "skew",
        }
    }
}

impl Storm {
    /// A storm without any faults, of one minute.
    pub fn new() -> Storm {
        Storm {
            faults: Vec::new(),
            skew: None,
            down_at_most: 1,
            lasts: Duration::from_secs(60),
            outage: Duration::from_millis(10)..=Duration::from_secs(10),
            nodes: None,
        }
    }

    fn with(mut self, kind: Kind, times: u32) -> Storm {
        self.faults.retain(|(other, _)| *other != kind);
        self.faults.push((kind, times));
        self
    }

    /// [Kills](Node::kill) nodes so many times, and restarts each after its outage.
    pub fn kill(self, times: u32) -> Storm {
        self.with(Kind::Kill, times)
    }

    /// [Crashes](Node::crash) nodes so many times, and restarts each after its outage.
    pub fn crash(self, times: u32) -> Storm {
        self.with(Kind::Crash, times)
    }

    /// [Pauses](Node::pause) nodes so many times, and resumes each after its outage.
    pub fn pause(self, times: u32) -> Storm {
        self.with(Kind::Pause, times)
    }

    /// [Freezes](Node::freeze) nodes so many times, and thaws each after its outage.
    pub fn freeze(self, times: u32) -> Storm {
        self.with(Kind::Freeze, times)
    }

    /// Cuts nodes off from all others so many times, and heals each partition after its outage.
    ///
    /// A link of the test asks [`SimRuntime::connected`]. A node that is cut off counts as down.
    pub fn partition(self, times: u32) -> Storm {
        self.with(Kind::Partition, times)
    }

    /// [Sets](Node::set_skew) the clocks of each node off by up to this, ahead or behind, at some time
    /// during the storm.
    ///
    /// # Panics
    ///
    /// If it is more than a hundred years of 365 days.
    #[track_caller]
    pub fn skew(self, at_most: Duration) -> Storm {
        assert!(at_most <= HEADROOM, "a clock can be off by at most a hundred years");
        Storm { skew: Some(at_most), ..self }
    }

    /// Sets how many nodes may be killed, crashed, paused, frozen or cut off at the same time; 1 by
    /// default. A fault that would make it more is left out.
    ///
    /// Nodes that the program itself has killed, paused or frozen count, too. A node that the storm has
    /// struck counts until its outage is over, even if the program restarts it before.
    pub fn down_at_most(self, nodes: usize) -> Storm {
        Storm { down_at_most: nodes, ..self }
    }

    /// Sets how long the storm lasts: faults begin within this time. A minute by default.
    pub fn lasts(self, duration: Duration) -> Storm {
        Storm { lasts: duration, ..self }
    }

    /// Sets how long each fault of a node may last, all durations equally likely; 10 milliseconds to 10
    /// seconds by default.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    #[track_caller]
    pub fn outage(self, range: RangeInclusive<Duration>) -> Storm {
        assert!(!range.is_empty(), "the range of the outage is empty: it ends before it begins");
        Storm { outage: range, ..self }
    }

    /// Sets the nodes that faults may befall. By default they are all that exist when the fault begins.
    pub fn nodes<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Storm {
        Storm { nodes: Some(names.into_iter().map(Into::into).collect()), ..self }
    }
}

impl Default for Storm {
    fn default() -> Storm {
        Storm::new()
    }
}

/// What happens next in a storm.
enum Event {
    Begins(Kind, SimRng),
    /// The clock of the node at that index of the list is set.
    Skews(usize, SimRng),
    /// The outage of that number is over, if it has happened.
    Ends(Option<Kind>, u32, String),
    Heals(u32, Option<u64>),
}

/// A storm that has begun. Dropping it ends the storm, and leaves the nodes as they are then: what is
/// down stays down.
#[must_use = "dropping it ends the storm"]
pub struct ActiveStorm {
    weather: Arc<Weather>,
    task: AbortOnDrop<()>,
}

/// What a storm has done so far.
struct Weather {
    rt: SimRuntime,
    storm: Storm,
    location: &'static Location<'static>,
    done: Mutex<Done>,
}

#[derive(Default)]
struct Done {
    faults: u32,
    /// The nodes of each fault that is not over. The faults may have been switched off.
    struck: BTreeMap<u32, BTreeSet<String>>,
    /// The cuts that are not healed.
    cuts: BTreeSet<u64>,
}

impl SimRuntime {
    /// Begins a storm of faults, in a task of its own.
    ///
    /// It goes on until [`ActiveStorm::calm`], or until its faults are over.
    #[track_caller]
    pub fn storm(&self, storm: Storm) -> ActiveStorm {
        // Not on the node that begins it, which may be killed.
        let rt = SimRuntime::new(self.engine().clone());
        let rng = rt.rng("storm");
        let location = Location::caller();
        let weather = Arc::new(Weather { rt, storm, location, done: Mutex::default() });
        let events = weather.plan(&rng);
        let raging = weather.clone();
        let task = weather.rt.spawn_named("storm", async move { raging.rage(events).await });
        ActiveStorm { weather, task: task.abort_on_drop() }
    }

    /// Whether messages from one node reach the other: no [partition](Storm::partition) is between
    /// them. Simulated links of the test ask this.
    ///
    /// # Panics
    ///
    /// If a node is created by this, and is the 65,536th.
    #[track_caller]
    #[must_use]
    pub fn connected(&self, from: &str, to: &str) -> bool {
        let id = |name: &str| self.node(name.to_owned()).id();
        self.engine().connected(id(from), id(to))
    }
}

impl ActiveStorm {
    /// How many faults were injected so far.
    #[must_use]
    pub fn faults(&self) -> u32 {
        self.weather.done().faults
    }

    /// Ends the storm, and everything that may be left of it: heals the partitions, thaws, resumes and
    /// restarts the nodes that faults could befall, and, if the storm set them off, sets their clocks
    /// right.
    ///
    /// Nodes that the program itself has killed are restarted, too. What has to hold in the end should
    /// hold from now on; see [`leads_to`](SimRuntime::leads_to) and
    /// [`eventually`](SimRuntime::eventually).
    ///
    /// # Cancel safety
    ///
    /// The storm ends in any case. If the future is dropped before it is done, the nodes stay as they
    /// are.
    pub async fn calm(self) {
        let ActiveStorm { weather, task } = self;
        // A storm that is over says so, and one that panicked has failed the run.
        task.cancel().await.ok();
        weather.calm();
    }
}

impl fmt::Debug for ActiveStorm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActiveStorm").field("faults", &self.faults()).finish_non_exhaustive()
    }
}

/// A duration up to the other one.
fn drawn(rng: &mut SimRng, range: RangeInclusive<Duration>) -> Duration {
    let nanos = |duration: &Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX - 1);
    let (least, most) = (nanos(range.start()), nanos(range.end()));
    Duration::from_nanos(least + rng.below((most - least).saturating_add(1)))
}

impl Weather {
    fn done(&self) -> std::sync::MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The faults by time; for the same time in the order of their kinds.
    fn plan(&self, rng: &SimRng) -> BTreeMap<(Duration, u32), Event> {
        let storm = &self.storm;
        // Two storms differ, and the faults of one do not shift each other.
        let rng = rng.fork("faults");
        let mut kinds = storm.faults.clone();
        kinds.sort_unstable();
        let mut events = BTreeMap::new();
        let mut add = |label: String, event: &dyn Fn(SimRng) -> Event| {
            let mut rng = rng.fork(&label);
            let at = drawn(&mut rng, Duration::ZERO..=storm.lasts);
            let number = u32::try_from(events.len()).unwrap_or(u32::MAX);
            events.insert((at, number), event(rng));
        };
        for (kind, times) in kinds {
            for time in 0..times {
                add(format!("{} {time}", kind.name()), &|rng| Event::Begins(kind, rng));
            }
        }
        if storm.skew.is_some() {
            for index in 0..self.names().len() {
                add(format!("{} {index}", Kind::Skew.name()), &|rng| Event::Skews(index, rng));
            }
        }
        events
    }

    async fn rage(&self, mut events: BTreeMap<(Duration, u32), Event>) {
        let start = self.rt.now();
        let mut number = u32::try_from(events.len()).unwrap_or(u32::MAX);
        while let Some(((at, _), event)) = events.pop_first() {
            self.rt.sleep_until(start + at).await;
            match event {
                Event::Begins(kind, mut rng) => {
                    number += 1;
                    let Some(end) = self.begin(kind, number, &mut rng) else { continue };
                    let until = at.saturating_add(drawn(&mut rng, self.storm.outage.clone()));
                    events.insert((until, number), end);
                }
                Event::Skews(index, rng) => self.skew(index, rng),
                Event::Ends(kind, number, name) => {
                    self.done().struck.remove(&number);
                    if let Some(kind) = kind {
                        self.end(kind, &self.rt.node(name));
                    }
                }
                Event::Heals(number, cut) => {
                    self.done().struck.remove(&number);
                    self.heal(cut);
                }
            }
        }
    }

    /// The names of the nodes that faults may befall.
    fn names(&self) -> Vec<String> {
        let all = || self.rt.engine().node_names();
        self.storm.nodes.clone().unwrap_or_else(all)
    }

    /// Injects the fault if there is room for it; gives its end.
    ///
    /// It is chosen as if all faults so far had happened, so that one that is switched off does not shift
    /// the others: their nodes, and how often each was struck.
    fn begin(&self, kind: Kind, number: u32, rng: &mut SimRng) -> Option<Event> {
        let struck: BTreeSet<_> = self.done().struck.values().flatten().cloned().collect();
        let up = |name: &String| {
            let node = self.rt.node(name.clone());
            let stands = node.is_alive() && !node.is_paused() && !node.is_frozen();
            stands && !struck.contains(name)
        };
        let names = self.names();
        let mut up: Vec<_> = names.iter().filter(|name| up(name)).cloned().collect();
        let down = names.len() - up.len();
        let mut room = self.storm.down_at_most.saturating_sub(down).min(up.len());
        if kind == Kind::Partition {
            // All nodes together are cut off from nobody.
            room = room.min(self.rt.engine().node_names().len().saturating_sub(1));
        }
        if room == 0 {
            return None;
        }
        rng.shuffle(&mut up);
        if kind == Kind::Partition {
            let size = usize::try_from(rng.below(room as u64)).unwrap_or_default() + 1;
            let group: BTreeSet<_> = up.into_iter().take(size).collect();
            let ids = group.iter().map(|name| self.rt.node(name.clone()).id()).collect();
            let cut = self.rt.engine().cut_off(ids);
            let mut done = self.done();
            done.struck.insert(number, group);
            done.cuts.extend(cut);
            done.faults += u32::from(cut.is_some());
            return Some(Event::Heals(number, cut));
        }
        let name = up.swap_remove(0);
        let node = self.rt.node(name.clone());
        // Before it dies: its hooks and destructors run then.
        self.done().struck.insert(number, [name.clone()].into());
        let happened = match kind {
            Kind::Kill => node.try_kill(),
            Kind::Crash => node.try_crash(),
            Kind::Pause => node.try_pause(),
            Kind::Freeze => node.try_freeze(),
            Kind::Partition | Kind::Skew => false,
        };
        self.done().faults += u32::from(happened);
        Some(Event::Ends(happened.then_some(kind), number, name))
    }

    fn end(&self, kind: Kind, node: &Node) {
        match kind {
            Kind::Kill | Kind::Crash if !node.is_alive() => node.restart_at(self.location),
            Kind::Pause => node.resume(),
            Kind::Freeze => node.thaw(),
            _ => {}
        }
    }

    fn skew(&self, index: usize, mut rng: SimRng) {
        let Some(name) = self.names().into_iter().nth(index) else { return };
        let by = drawn(&mut rng, Duration::ZERO..=self.storm.skew.unwrap_or_default());
        let skew = if rng.chance(0.5) { Offset::Ahead(by) } else { Offset::Behind(by) };
        let happened = self.rt.node(name).try_skew(skew);
        self.done().faults += u32::from(happened);
    }

    fn heal(&self, cut: Option<u64>) {
        if let Some(cut) = cut {
            self.rt.engine().heal(cut);
            self.done().cuts.remove(&cut);
        }
    }

    fn calm(&self) {
        let cuts: Vec<_> = self.done().cuts.iter().copied().collect();
        for cut in cuts {
            self.heal(Some(cut));
        }
        for name in self.names() {
            let node = self.rt.node(name);
            node.thaw();
            node.resume();
            if self.storm.skew.is_some() {
                node.set_skew(Offset::Ahead(Duration::ZERO));
            }
            if !node.is_alive() {
                node.restart_at(self.location);
            }
        }
    }
}
