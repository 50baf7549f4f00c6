//! Windows that convolutions and pools look at images through. A line is an image of one row.

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// A window along one axis of an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// How many pixels it sees.
    pub kernel: usize,
    /// From one place of the window to the next.
    pub stride: usize,
    /// From one pixel that it sees to the next.
    pub dilation: usize,
    padding: Padding,
    /// A last place that hangs over the edge counts too.
    ceil: bool,
}

/// What is put around the image.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Padding {
    Explicit {
        before: usize,
        after: usize,
    },
    /// As much as makes the output as large as the input over the stride. Where that is odd, there is one more behind the
    /// image, or before it.
    Same {
        more_before: bool,
    },
}

/// What a window does to an image of some size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Pixels put before the image.
    pub before: usize,
    /// How many places the window has.
    pub places: usize,
}

/// More than any image here has, and its square is far from overflowing.
const MAX_SIZE: usize = 1 << 15;

impl Window {
    /// Sees each pixel by itself.
    const ONE: Window =
        Window { kernel: 1, stride: 1, dilation: 1, padding: Padding::Explicit { before: 0, after: 0 }, ceil: false };

    /// Down, and right: from the attributes of a node whose kernel has that shape.
    ///
    /// # Errors
    /// If the kernel has neither one nor two axes, or an attribute is none of a window.
    pub fn read(node: &NodeProto, kernel: &[usize]) -> TractResult<[Window; 2]> {
        let axes = kernel.len();
        let auto = node.get_attr_opt::<&str>("auto_pad")?.unwrap_or("NOTSET");
        let list = |name: &str, otherwise: usize, count: usize| -> TractResult<Vec<usize>> {
            let list: Vec<usize> = node.get_attr_opt_vec(name)?.unwrap_or(vec![otherwise; count]);
            ensure!(list.len() == count, "{} {name} for {axes} axes", list.len());
            Ok(list)
        };
        let (strides, dilations) = (list("strides", 1, axes)?, list("dilations", 1, axes)?);
        let ceil = node.get_attr_opt::<i64>("ceil_mode")?.unwrap_or(0) != 0;
        let pads = list("pads", 0, axes.saturating_mul(2))?;
        let (before, after) = pads.split_at_checked(axes).context("too few pads")?;
        let each = kernel.iter().zip(&strides).zip(&dilations).zip(before.iter().zip(after));
        let windows = each.map(|(((kernel, stride), dilation), (before, after))| {
            let padding = match auto {
                "NOTSET" => Padding::Explicit { before: *before, after: *after },
                "VALID" => Padding::Explicit { before: 0, after: 0 },
                "SAME_UPPER" => Padding::Same { more_before: false },
                "SAME_LOWER" => Padding::Same { more_before: true },
                other => bail!("auto_pad {other}"),
            };
            let some = [*kernel, *stride, *dilation];
            ensure!(some.iter().all(|size| (1..=MAX_SIZE).contains(size)), "a window of {some:?}");
            ensure!(before.max(after) <= &MAX_SIZE, "pads of {before} and {after}");
            Ok(Window { kernel: *kernel, stride: *stride, dilation: *dilation, padding, ceil })
        });
        pair(&windows.collect::<TractResult<Vec<_>>>()?, Window::ONE)
    }

    /// # Errors
    /// If the image is too small for it, or too large for anything here.
    pub fn span(&self, size: usize) -> TractResult<Span> {
        ensure!((1..=MAX_SIZE).contains(&size), "an image of {size} pixels");
        // All sizes are at most MAX_SIZE, so nothing here saturates.
        let reach = self.kernel.saturating_sub(1).saturating_mul(self.dilation).saturating_add(1);
        match self.padding {
            Padding::Explicit { before, after } => {
                let whole = size.saturating_add(before).saturating_add(after);
                let room = whole.checked_sub(reach).context("a window that is larger than the image")?;
                let mut steps = room.checked_div(self.stride).unwrap_or(0);
                if self.ceil {
                    let over = room.div_ceil(self.stride);
                    // It has to begin before what is put behind the image.
                    steps = if over.saturating_mul(self.stride) < size.saturating_add(before) { over } else { steps };
                }
                Ok(Span { before, places: steps.saturating_add(1) })
            }
            Padding::Same { more_before } => {
                let places = size.div_ceil(self.stride);
                let last = places.saturating_sub(1).saturating_mul(self.stride);
                let around = last.saturating_add(reach).saturating_sub(size);
                Ok(Span { before: if more_before { around.div_ceil(2) } else { around / 2 }, places })
            }
        }
    }
}

/// Down, and right, of what is there for one axis or for two.
///
/// # Errors
/// If it is neither.
pub fn pair<T: Copy>(axes: &[T], row: T) -> TractResult<[T; 2]> {
    match axes {
        [x] => Ok([row, *x]),
        [y, x] => Ok([*y, *x]),
        _ => bail!("{} axes", axes.len()),
    }
}
