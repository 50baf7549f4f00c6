//! Memory for the module, which grows to a bound and no further.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout};
use std::arch::wasm32;
use std::cell::UnsafeCell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};

use dlmalloc::{Allocator, Dlmalloc};

/// Bytes of a page of WebAssembly's memory.
const PAGE: usize = 1 << 16;

/// How large the memory may become, in pages.
static MOST: AtomicUsize = AtomicUsize::new(usize::MAX);
/// What was last asked for in vain, in bytes.
static IN_VAIN: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(Dlmalloc::new_with_allocator(Pages)));

/// Sets how large the memory may become, and begins anew to note what is asked for in vain. What it has already, it keeps.
pub fn bound(bytes: usize) {
    MOST.store(bytes / PAGE, Ordering::Relaxed);
    IN_VAIN.store(0, Ordering::Relaxed);
}

/// How many bytes it has.
pub fn size() -> usize {
    wasm32::memory_size(0).saturating_mul(PAGE)
}

/// What was last asked for in vain, in bytes; nothing if all has been given since the bound was set.
pub fn in_vain() -> Option<usize> {
    Some(IN_VAIN.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
}

/// The allocator that the standard library has for this target, over pages that are counted.
struct Heap(UnsafeCell<Dlmalloc<Pages>>);

// SAFETY: the module has one thread, and no call into the allocator begins before another has ended.
unsafe impl Sync for Heap {}

// SAFETY: all of it is Dlmalloc's, which is a general allocator; see `Sync` for why the cell is not borrowed twice.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        let place = unsafe { (*self.0.get()).malloc(layout.size(), layout.align()) };
        if place.is_null() {
            IN_VAIN.store(layout.size(), Ordering::Relaxed);
        }
        place
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        let place = unsafe { (*self.0.get()).calloc(layout.size(), layout.align()) };
        if place.is_null() {
            IN_VAIN.store(layout.size(), Ordering::Relaxed);
        }
        place
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { (*self.0.get()).free(place, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        let place = unsafe { (*self.0.get()).realloc(place, layout.size(), layout.align(), size) };
        if place.is_null() {
            IN_VAIN.store(size, Ordering::Relaxed);
        }
        place
    }
}

/// WebAssembly's pages, up to the bound. They are never given back: no memory of WebAssembly shrinks.
struct Pages;

// SAFETY: the pages are new, are given out once, and stay.
unsafe impl Allocator for Pages {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let pages = size.div_ceil(PAGE);
        if wasm32::memory_size(0).saturating_add(pages) > MOST.load(Ordering::Relaxed) {
            return (null_mut(), 0, 0);
        }
        match wasm32::memory_grow(0, pages) {
            usize::MAX => (null_mut(), 0, 0),
            first => (first.wrapping_mul(PAGE) as *mut u8, pages.wrapping_mul(PAGE), 0),
        }
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE
    }
}
