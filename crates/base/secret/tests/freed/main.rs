//! What is in memory that is given back: nothing of a secret. An allocator of this test's own looks.

#![allow(
    unsafe_code,
    reason = "an allocator is unsafe by its trait; this one only looks at what it passes on"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use strongroom_secret::{Secret, SecretBuffer};

/// What a secret of this test looks like.
const MARK: [u8; 8] = *b"\xa5hunter2";

static FOUND: AtomicUsize = AtomicUsize::new(0);

struct Looking;

// SAFETY: everything is passed on to the system's allocator as it came. Growing goes through `dealloc` too, as the
// trait's own `realloc` does it.
unsafe impl GlobalAlloc for Looking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises. Zeroed, so that all of it can be read again.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the memory is the caller's until it is given back, and was zeroed when it was given out.
        let bytes = unsafe { std::slice::from_raw_parts(memory, layout.size()) };
        if bytes.windows(MARK.len()).any(|window| window == MARK) {
            FOUND.fetch_add(1, Ordering::SeqCst);
        }
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Looking = Looking;

/// How much memory that holds the mark is given back by `act`.
fn given_back(act: impl FnOnce()) -> usize {
    let before = FOUND.load(Ordering::SeqCst);
    act();
    FOUND.load(Ordering::SeqCst) - before
}

/// One test, for what others give back at the same time would count too.
#[test]
fn nothing_of_a_secret_is_given_back() {
    let plain = || {
        let mut bytes = Vec::with_capacity(8);
        bytes.extend_from_slice(&MARK);
        bytes.extend_from_slice(&[0; 100]);
    };
    assert_eq!(given_back(plain), 2, "the test sees what it is to see");

    assert_eq!(given_back(|| drop(Secret::new(MARK.to_vec()))), 0);
    let grown = || {
        let mut buffer = SecretBuffer::with_capacity(8);
        buffer.extend_from_slice(&MARK);
        for number in 0..1000 {
            write!(buffer, "{number}").unwrap();
        }
        buffer.push_byte(b'.');
        assert!(buffer.expose().starts_with(&MARK) && buffer.expose().ends_with(b"998999."));
        for is_filled in [true, false] {
            let filled = buffer.extend_with(MARK.len(), |room| {
                room.copy_from_slice(&MARK);
                is_filled.then_some(()).ok_or(())
            });
            assert_eq!(filled.is_ok(), is_filled);
            assert!(buffer.expose().ends_with(&MARK));
        }
        let written = buffer.into_secret();
        assert_eq!(written.expose().len(), 8 + 2890 + 1 + 8);
    };
    assert_eq!(given_back(grown), 0);
}
