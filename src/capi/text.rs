// SPDX-License-Identifier: BSD-3-Clause
//! A text in a buffer of fixed size, made without allocation or formatting.

/// A text in somebody's buffer, as far as it fits, and its length as if it did.
pub struct Text {
    at: *mut u8,
    room: usize,
    length: usize,
}

impl Text {
    /// An empty one.
    ///
    /// # Safety
    /// `at` has `room` writable bytes for as long as this lives.
    pub unsafe fn new(at: *mut u8, room: usize) -> Text {
        Text { at, room, length: 0 }
    }

    /// Appends.
    pub fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.length.saturating_add(1) < self.room {
                // SAFETY: new()'s caller: at has room for that many.
                unsafe { self.at.add(self.length).write(*byte) };
            }
            self.length = self.length.saturating_add(1);
        }
    }

    /// Appends a decimal number.
    pub fn push_number(&mut self, number: i32) {
        if number > 9 {
            self.push_number(number / 10);
        }
        self.push(&[b'0' + (number % 10) as u8]);
    }

    /// Ends it with a NUL. The length is that of the whole text.
    pub fn end(self) -> usize {
        if self.room > 0 {
            // SAFETY: new()'s caller: at has that much room.
            unsafe { self.at.add(self.length.min(self.room - 1)).write(0) };
        }
        self.length
    }
}
