//! The memory of Rust where memory is short.
//!
//! PostgreSQL answers 53200 when memory cannot be had, and goes on. Rust aborts the process when an allocation fails, and
//! the postmaster then restarts every session. So:
//!
//! - a small allocation that fails is served from a reserve, and the next [`check`] ends the statement with 53200;
//! - what grows with data calls [`ensure`] first, which asks for the memory and returns 53200 when there is none;
//! - a text is bounded before it is copied ([`super::value::Text`], [`copy_text`]).

use crate::error::Error;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// The system's allocator, with the reserve behind it.
struct Allocator;

/// Bytes of the reserve. Pages that are not used cost nothing.
const RESERVED: usize = 1 << 20;

/// What a row of an answer may come to, with what is made from it, in bytes.
const PER_ROW: usize = 1024;

/// Rows whose memory is not asked for first: the reserve holds them.
const FEW_ROWS: usize = 256;

#[repr(align(64))]
struct Bytes(UnsafeCell<[u8; RESERVED]>);

// SAFETY: places are handed out once, by an atomic counter.
unsafe impl Sync for Bytes {}

static BYTES: Bytes = Bytes(UnsafeCell::new([0; RESERVED]));
/// Bytes handed out since the reserve was whole.
static TAKEN: AtomicUsize = AtomicUsize::new(0);
/// Allocations that are in the reserve.
static LIVE: AtomicUsize = AtomicUsize::new(0);
/// Whether the reserve was needed since the last check.
static NEEDED: AtomicBool = AtomicBool::new(false);

fn start() -> *mut u8 {
    BYTES.0.get().cast()
}

fn is_in_reserve(place: *mut u8) -> bool {
    (start().addr()..start().addr() + RESERVED).contains(&place.addr())
}

/// A place in the reserve; null when it has no more room.
fn take(layout: Layout) -> *mut u8 {
    NEEDED.store(true, Relaxed);
    let fits = |taken: usize| {
        let end = taken.checked_next_multiple_of(layout.align())?.checked_add(layout.size())?;
        (layout.align() <= 64 && end <= RESERVED).then_some(end)
    };
    match TAKEN.fetch_update(Relaxed, Relaxed, fits) {
        Ok(taken) => {
            LIVE.fetch_add(1, Relaxed);
            start().wrapping_add(taken.next_multiple_of(layout.align()))
        }
        Err(_) => std::ptr::null_mut(),
    }
}

/// Gives a place back. The reserve is whole again when all are.
fn give_back() {
    if LIVE.fetch_sub(1, Relaxed) == 1 {
        TAKEN.store(0, Relaxed);
    }
}

// SAFETY: what the system allocates it frees; what is in the reserve has room for its layout, and is freed by count.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller vouches.
        let place = unsafe { System.alloc(layout) };
        if place.is_null() { take(layout) } else { place }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller vouches; a place in the reserve has room for the layout.
        unsafe {
            let place = System.alloc_zeroed(layout);
            if !place.is_null() {
                return place;
            }
            let place = take(layout);
            if !place.is_null() {
                place.write_bytes(0, layout.size());
            }
            place
        }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        if is_in_reserve(place) {
            give_back();
        } else {
            // SAFETY: as the caller vouches; the system allocated it.
            unsafe { System.dealloc(place, layout) }
        }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller vouches; both places have room for what is copied.
        unsafe {
            if !is_in_reserve(place) {
                let moved = System.realloc(place, layout, size);
                if !moved.is_null() {
                    return moved;
                }
            }
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(place, layout.size().min(size));
                self.dealloc(place, layout);
            }
            moved
        }
    }
}

/// Ends a statement for which the reserve was needed.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub fn check() -> Result<(), Error> {
    if NEEDED.load(Relaxed) && NEEDED.swap(false, Relaxed) { Err(Error::OutOfMemory) } else { Ok(()) }
}

/// Asks whether so many bytes can be had, before something grows to them.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub fn ensure(bytes: usize) -> Result<(), Error> {
    let layout = Layout::array::<u8>(bytes.max(1)).map_err(|_| Error::OutOfMemory)?;
    // SAFETY: the layout is not empty; what is allocated is freed at once.
    unsafe {
        let place = std::hint::black_box(System.alloc(layout));
        if place.is_null() {
            return Err(Error::OutOfMemory);
        }
        System.dealloc(place, layout);
    }
    Ok(())
}

/// Asks for the memory of so many rows, and of what is made from them.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub fn ensure_rows(rows: usize) -> Result<(), Error> {
    if rows < FEW_ROWS { Ok(()) } else { ensure(rows.saturating_mul(PER_ROW)) }
}

/// A copy of a text.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub fn copy_text(text: &str) -> Result<String, Error> {
    let mut copy = String::new();
    copy.try_reserve_exact(text.len()).map_err(|_| Error::OutOfMemory)?;
    copy.push_str(text);
    Ok(copy)
}
