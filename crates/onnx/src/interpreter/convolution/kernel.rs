//! The loop: each output pixel is the sum of all taps of the kernel, of all channels.
//!
//! Eight output channels and [`PIXELS`] pixels are summed up at once, so that the sums stay in the processor's registers:
//! a tap is then two loads of weights and a load for each pixel, against sixteen times as many multiplications. Nothing is
//! gathered into a matrix beforehand (im2col), which for small images takes as long as the sums.
#![allow(unsafe_code)]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "sizes of tensors that are in memory, checked when the kernel is built"
)]

/// Output channels at once: two vectors of WebAssembly's.
const LANES: usize = 8;
/// Output pixels at once. With six, V8 has no registers left.
const PIXELS: usize = 4;

/// Where a convolution looks. Of each pair, the first is down, the second is right.
#[derive(Clone, Debug, PartialEq)]
pub struct Geometry {
    /// Channels of the input.
    pub channels: usize,
    /// Size of the input.
    pub size: [usize; 2],
    /// Zeros put before the input.
    pub before: [usize; 2],
    /// Taps of the kernel.
    pub kernel: [usize; 2],
    /// From one output pixel to the next.
    pub stride: [usize; 2],
    /// From one tap to the next.
    pub dilation: [usize; 2],
    /// Size of the output.
    pub output: [usize; 2],
}

/// A convolution of images of one size.
#[derive(Clone, Debug)]
pub struct Kernel {
    geometry: Geometry,
    filters: usize,
    /// Size of the input with its zeros.
    padded: [usize; 2],
    /// Of each eight filters: where they begin, then the weights of each tap.
    blocks: Vec<Block>,
    /// Where each tap looks, from where the pixel does.
    taps: Vec<u32>,
    /// Where the pixels look, some at once. The last ones are repeated.
    pixels: Vec<[u32; PIXELS]>,
}

#[derive(Clone, Debug)]
struct Block {
    bias: [f32; LANES],
    weights: Vec<[f32; LANES]>,
}

impl Kernel {
    /// A kernel of filters, each with its weights (channel, row, column) and its bias. `None` if sizes contradict each
    /// other or are too large.
    pub fn new(geometry: Geometry, weights: &[f32], biases: &[f32]) -> Option<Kernel> {
        let Geometry { channels, size, before, kernel, stride, dilation, output } = geometry.clone();
        let taps = channels.checked_mul(kernel[0])?.checked_mul(kernel[1])?;
        let filters = biases.len();
        let empty = taps == 0 || filters == 0 || output.contains(&0) || size.contains(&0);
        if empty || weights.len() != filters.checked_mul(taps)? {
            return None;
        }
        let reach = |output: usize, stride, kernel: usize, dilation, before: usize, size| -> Option<usize> {
            let last = (output - 1).checked_mul(stride)?.checked_add((kernel - 1).checked_mul(dilation)?)?;
            Some(last.checked_add(1)?.max(before.checked_add(size)?))
        };
        let padded = [
            reach(output[0], stride[0], kernel[0], dilation[0], before[0], size[0])?,
            reach(output[1], stride[1], kernel[1], dilation[1], before[1], size[1])?,
        ];
        let plane = padded[0].checked_mul(padded[1])?;
        u32::try_from(plane.checked_mul(channels)?).ok()?;
        // All that follows is below that size.
        let at = |channel: usize, y: usize, x: usize| (channel * plane + y * padded[1] + x) as u32;
        let places = |[height, width]: [usize; 2], by: [usize; 2]| {
            (0..height).flat_map(move |y| (0..width).map(move |x| (y * by[0], x * by[1])))
        };
        let taps: Vec<u32> =
            (0..channels).flat_map(|channel| places(kernel, dilation).map(move |(y, x)| at(channel, y, x))).collect();
        let pixels: Vec<u32> = places(output, stride).map(|(y, x)| at(0, y, x)).collect();
        let pixels = pixels
            .chunks(PIXELS)
            .map(|some| std::array::from_fn(|i| some.get(i).or(some.last()).copied().unwrap_or_default()))
            .collect();
        let filter = |filter: usize| weights.chunks_exact(taps.len()).nth(filter);
        let blocks = (0..filters).step_by(LANES).map(|first| Block {
            bias: std::array::from_fn(|lane| biases.get(first + lane).copied().unwrap_or_default()),
            weights: (0..taps.len())
                .map(|tap| {
                    std::array::from_fn(|lane| {
                        filter(first + lane).and_then(|weights| weights.get(tap)).copied().unwrap_or_default()
                    })
                })
                .collect(),
        });
        Some(Kernel { blocks: blocks.collect(), geometry, filters, padded, taps, pixels })
    }

    /// Values of one input image.
    pub fn input_len(&self) -> usize {
        self.geometry.channels * self.geometry.size[0] * self.geometry.size[1]
    }

    /// Values of one output image: filter, row, column.
    pub fn output_len(&self) -> usize {
        self.filters * self.geometry.output[0] * self.geometry.output[1]
    }

    /// Multiplications of one image.
    pub fn work(&self) -> u64 {
        (self.output_len() as u64).saturating_mul(self.taps.len() as u64)
    }

    /// Convolves images that stand one after the other.
    pub fn run(&self, images: &[f32], outputs: &mut [f32]) {
        let mut zeroed = vec![0.0; self.geometry.channels * self.padded[0] * self.padded[1]];
        for (image, output) in images.chunks_exact(self.input_len()).zip(outputs.chunks_exact_mut(self.output_len())) {
            // The zeros around it stay from image to image.
            self.pad(image, &mut zeroed);
            self.one(&zeroed, output);
        }
    }

    fn pad(&self, image: &[f32], to: &mut [f32]) {
        let Geometry { size: [height, width], before: [above, left], .. } = self.geometry;
        let planes = to.chunks_exact_mut(self.padded[0] * self.padded[1]);
        for (plane, channel) in planes.zip(image.chunks_exact(height * width)) {
            let rows = plane.chunks_exact_mut(self.padded[1]).skip(above);
            for (to, row) in rows.zip(channel.chunks_exact(width)) {
                to.iter_mut().skip(left).zip(row).for_each(|(to, value)| *to = *value);
            }
        }
    }

    fn one(&self, padded: &[f32], output: &mut [f32]) {
        let plane = self.geometry.output[0] * self.geometry.output[1];
        for (block, output) in self.blocks.iter().zip(output.chunks_mut(LANES * plane)) {
            for (tile, pixels) in self.pixels.iter().enumerate() {
                // SAFETY: `padded` reaches as far as the geometry does, which the places come from.
                let sums = unsafe { sums(padded, pixels, &self.taps, block) };
                let from = tile * PIXELS;
                for (lane, output) in output.chunks_exact_mut(plane).enumerate() {
                    for (output, sums) in output.iter_mut().skip(from).zip(&sums) {
                        *output = sums.get(lane).copied().unwrap_or_default();
                    }
                }
            }
        }
    }
}

/// The sums of some pixels, by filter.
///
/// # Safety
/// Each pixel's place and each tap's have a sum below the length of `padded`.
#[inline(never)]
unsafe fn sums(padded: &[f32], pixels: &[u32; PIXELS], taps: &[u32], block: &Block) -> [[f32; LANES]; PIXELS] {
    let mut sums = [block.bias; PIXELS];
    for (tap, weights) in taps.iter().zip(&block.weights) {
        for (sums, pixel) in sums.iter_mut().zip(pixels) {
            // SAFETY: as the caller has it.
            let value = unsafe { *padded.get_unchecked((*pixel + *tap) as usize) };
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += value * weight;
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By the definition, in 64 bits.
    fn slow(geometry: &Geometry, image: &[f32], weights: &[f32], biases: &[f32]) -> Vec<f64> {
        let Geometry { channels, size, before, kernel, stride, dilation, output } = geometry.clone();
        let mut all = Vec::new();
        for (filter, bias) in biases.iter().enumerate() {
            for y in 0..output[0] {
                for x in 0..output[1] {
                    let mut sum = f64::from(*bias);
                    for channel in 0..channels {
                        for ky in 0..kernel[0] {
                            for kx in 0..kernel[1] {
                                let (y, x) = (y * stride[0] + ky * dilation[0], x * stride[1] + kx * dilation[1]);
                                let inside = y >= before[0] && x >= before[1];
                                if !inside || y - before[0] >= size[0] || x - before[1] >= size[1] {
                                    continue;
                                }
                                let value = image[(channel * size[0] + y - before[0]) * size[1] + x - before[1]];
                                let weight = weights[((filter * channels + channel) * kernel[0] + ky) * kernel[1] + kx];
                                sum += f64::from(value) * f64::from(weight);
                            }
                        }
                    }
                    all.push(sum);
                }
            }
        }
        all
    }

    fn pair(values: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = [usize; 2]> {
        [values.clone(), values]
    }

    proptest! {
        #[test]
        fn as_defined(
            (channels, filters) in (1usize..5, 1usize..20),
            (size, before, after) in (pair(1..=9), pair(0..=3), pair(0..=3)),
            (kernel, stride, dilation) in (pair(1..=4), pair(1..=3), pair(1..=3)),
            seed in any::<u32>(),
        ) {
            let output = [0, 1].map(|axis| {
                let room = (before[axis] + size[axis] + after[axis]).checked_sub((kernel[axis] - 1) * dilation[axis] + 1);
                room.map_or(0, |room| room / stride[axis] + 1)
            });
            let geometry = Geometry { channels, size, before, kernel, stride, dilation, output };
            let mut state = seed;
            let mut numbers = |count: usize| -> Vec<f32> {
                (0..count)
                    .map(|_| {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
                    })
                    .collect()
            };
            let taps = channels * kernel[0] * kernel[1];
            let (weights, biases) = (numbers(filters * taps), numbers(filters));
            let images = numbers(2 * channels * size[0] * size[1]);
            let made = Kernel::new(geometry.clone(), &weights, &biases);
            prop_assert_eq!(made.is_some(), !output.contains(&0));
            if let Some(made) = made {
                let mut outputs = vec![f32::NAN; 2 * made.output_len()];
                made.run(&images, &mut outputs);
                let expected = images.chunks(made.input_len()).flat_map(|image| slow(&geometry, image, &weights, &biases));
                for (value, expected) in outputs.iter().zip(expected) {
                    prop_assert!((f64::from(*value) - expected).abs() < 1e-6 * (1.0 + taps as f64), "{} {}", value, expected);
                }
            }
        }
    }
}
