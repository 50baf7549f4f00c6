//! Layers of weights: `MatMul` and `Gemm` by a constant matrix.

use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::*;

use crate::ml::{Kernel, elements, required_constant, written};
use crate::signature::Signature;

/// Columns of the result at once: two vectors of WebAssembly's.
const LANES: usize = 8;
/// Rows at once, so that each load of weights serves several.
const ROWS: usize = 4;

/// `x W + b`, for x of [rows, inputs], in 32 bits.
#[derive(Debug)]
pub struct Dense {
    inputs: usize,
    outputs: usize,
    /// Of each eight columns: where they begin, then the weights of each input.
    panels: Vec<Panel>,
}

#[derive(Debug)]
struct Panel {
    bias: [f32; LANES],
    weights: Vec<[f32; LANES]>,
}

impl Dense {
    /// [MatMul](https://onnx.ai/onnx/operators/onnx__MatMul.html).
    pub fn read_mat_mul(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        let weights = required_constant(model, node, 1)?;
        Self::new(&weights, false, None)
    }

    /// [Gemm](https://onnx.ai/onnx/operators/onnx__Gemm.html).
    pub fn read_gemm(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        let plain = |name: &str| Ok::<_, TractError>(node.get_attr_opt::<f32>(name)?.unwrap_or(1.0) == 1.0);
        ensure!(plain("alpha")? && plain("beta")?, "a factor");
        ensure!(node.get_attr_opt::<i64>("transA")?.unwrap_or(0) == 0, "columns for rows");
        let transposed = node.get_attr_opt::<i64>("transB")?.unwrap_or(0) != 0;
        let weights = required_constant(model, node, 1)?;
        let bias = if node.input.len() > 2 { Some(required_constant(model, node, 2)?) } else { None };
        Self::new(&weights, transposed, bias.as_ref())
    }

    fn new(weights: &Tensor, transposed: bool, bias: Option<&Tensor>) -> TractResult<Self> {
        let [a, b] = *weights.shape() else { bail!("weights of {:?}", weights.shape()) };
        let (inputs, outputs) = if transposed { (b, a) } else { (a, b) };
        let weights = elements::<f32>(weights)?;
        ensure!(!weights.is_empty(), "no weights");
        let bias = match bias {
            None => vec![0.0; outputs],
            Some(bias) => match (elements::<f32>(bias)?, bias.shape()) {
                ([one], _) => vec![*one; outputs],
                (bias, [.., width]) if bias.len() == outputs && *width == outputs => bias.to_vec(),
                _ => bail!("a bias of {:?}", bias.shape()),
            },
        };
        let at = |input: usize, output: usize| {
            let place = if transposed {
                output.saturating_mul(inputs).saturating_add(input)
            } else {
                input.saturating_mul(outputs).saturating_add(output)
            };
            if output < outputs { weights.get(place).copied().unwrap_or_default() } else { 0.0 }
        };
        let panels = (0..outputs).step_by(LANES).map(|first| Panel {
            bias: std::array::from_fn(|lane| bias.get(first.saturating_add(lane)).copied().unwrap_or_default()),
            weights: (0..inputs)
                .map(|input| std::array::from_fn(|lane| at(input, first.saturating_add(lane))))
                .collect(),
        });
        Ok(Dense { inputs, outputs, panels: panels.collect() })
    }

    fn rows<const N: usize>(&self, input: &[f32], output: &mut [f32]) {
        let mut rows = input.chunks_exact(self.inputs);
        let rows: [&[f32]; N] = std::array::from_fn(|_| rows.next().unwrap_or_default());
        for (panel, first) in self.panels.iter().zip((0..self.outputs).step_by(LANES)) {
            let sums = panel.times(rows);
            for (output, sums) in output.chunks_exact_mut(self.outputs).zip(&sums) {
                output.iter_mut().skip(first).zip(sums).for_each(|(output, sum)| *output = *sum);
            }
        }
    }
}

impl Panel {
    /// The sums of some rows, each as long as there are weights.
    #[inline(never)]
    fn times<const N: usize>(&self, rows: [&[f32]; N]) -> [[f32; LANES]; N] {
        let mut sums = [self.bias; N];
        let rows = rows.map(|row| row.get(..self.weights.len()).unwrap_or_default());
        for (at, weights) in self.weights.iter().enumerate() {
            for (sums, row) in sums.iter_mut().zip(rows) {
                let x = row.get(at).copied().unwrap_or_default();
                sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += x * weight);
            }
        }
        sums
    }
}

impl Kernel for Dense {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [Signature { datum, shape }, ..] = inputs else { bail!("takes an input") };
        let [rows, width] = shape.as_slice() else { bail!("takes two dimensions, not {shape:?}") };
        ensure!(*datum == f32::datum_type() && *width == self.inputs.to_dim(), "takes {width} of {datum:?}");
        Ok(tvec!(Signature::new(*datum, [rows.clone(), self.outputs.to_dim()])))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input, ..] = inputs else { bail!("takes an input") };
        let input = elements::<f32>(input)?;
        let count = input.len().checked_div(self.inputs).unwrap_or(0);
        let output = written(&[count, self.outputs], |output| {
            let inputs = input.chunks(self.inputs.saturating_mul(ROWS));
            for (input, output) in inputs.zip(output.chunks_mut(self.outputs.saturating_mul(ROWS))) {
                if output.len() == self.outputs.saturating_mul(ROWS) {
                    self.rows::<ROWS>(input, output);
                } else {
                    let each = input.chunks_exact(self.inputs).zip(output.chunks_exact_mut(self.outputs));
                    each.for_each(|(input, output)| self.rows::<1>(input, output));
                }
            }
        });
        Ok(tvec!(output?))
    }
}
