//! What holds once no task is about to tell the list.

use super::*;

impl List {
    /// Checks that every chunk is where its flags say.
    pub(in super::super) fn assert_settled(&self) {
        for (index, slots) in self.chunks.iter().enumerate() {
            let Some(slots) = slots else { continue };
            let ended = slots.chunk.ended.load(Ordering::Acquire);
            assert_eq!(ended & WATCHED != 0, self.watched.is_some(), "chunk {index}");
            if let Some(tasks) = self.watched {
                assert_eq!(slots.counted, slots.tasks().count_ones(), "chunk {index} of {tasks}");
            }
            let is_open = index == self.open;
            let rooms = self.room.iter().filter(|it| **it as usize == index).count();
            assert_eq!(rooms, usize::from(!is_open && ended & FULL == 0), "chunk {index}");
            assert!(ended & FULL == 0 || ended & ALL == 0, "the slots of chunk {index} are lost");
            assert!(
                is_open || index < KEPT || ended & ALL != ALL || self.watched.is_some(),
                "the memory of chunk {index} is lost"
            );
        }
        let extra = self.chunks.iter().skip(KEPT).flatten().count();
        assert_eq!(extra, self.extra);
    }
}
