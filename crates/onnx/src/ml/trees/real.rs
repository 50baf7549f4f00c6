//! What trees compute in.

/// The floating-point types that trees compare and add in: doubles where the input is `tensor(double)`.
pub trait Real: tract_onnx::prelude::Datum + Copy + PartialOrd + Default {
    const NEG_INFINITY: Self;

    fn from_f64(x: f64) -> Self;
    fn to_f64(self) -> f64;
    /// The next smaller number.
    fn next_down(self) -> Self;
    fn is_nan(self) -> bool;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
}

macro_rules! real {
    ($real:ty) => {
        impl Real for $real {
            const NEG_INFINITY: Self = <$real>::NEG_INFINITY;

            fn from_f64(x: f64) -> Self {
                x as $real
            }

            fn to_f64(self) -> f64 {
                self.into()
            }

            fn next_down(self) -> Self {
                <$real>::next_down(self)
            }

            fn is_nan(self) -> bool {
                <$real>::is_nan(self)
            }

            fn plus(self, other: Self) -> Self {
                self + other
            }

            fn minus(self, other: Self) -> Self {
                self - other
            }
        }
    };
}

real!(f32);
real!(f64);
