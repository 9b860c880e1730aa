// SPDX-License-Identifier: BSD-3-Clause
//! Short texts for /proc: paths and lines of maps.

#![forbid(unsafe_code)]

/// A short text, made without allocation or formatting.
pub struct Text {
    bytes: [u8; 64],
    length: usize,
}

impl Text {
    /// An empty one.
    pub fn new() -> Text {
        Text { bytes: [0; 64], length: 0 }
    }

    /// Appends; what doesn't fit is left out.
    pub fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = *byte;
                self.length = self.length.saturating_add(1);
            }
        }
    }

    /// Appends a decimal number.
    pub fn push_number(&mut self, number: u32) {
        if number > 9 {
            self.push_number(number / 10);
        }
        self.push(&[b'0' + (number % 10) as u8]);
    }

    /// What is in it.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// As a string, if its one NUL is at the end.
    pub fn as_c_str(&self) -> Option<&core::ffi::CStr> {
        core::ffi::CStr::from_bytes_with_nul(self.as_bytes()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text() {
        let mut text = Text::new();
        text.push(b"/proc/");
        text.push_number(1_234_567_890);
        text.push(b"/stat\0");
        assert_eq!(text.as_c_str(), Some(c"/proc/1234567890/stat"));
    }
}
