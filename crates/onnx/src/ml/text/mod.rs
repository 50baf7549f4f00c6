//! Texts, from strings to counts: `StringNormalizer`, `Tokenizer`, `TfIdfVectorizer`.
//!
//! ONNX Runtime's tokens are a matrix, filled up to the row that has the most. Here a row's tokens stand in one string, each
//! ended by [`END`], so that a long row costs the others nothing, and no row depends on another. Only what counts tokens
//! may take them.

mod normalizer;
mod pattern;
mod tf_idf;
mod tokenizer;

pub use normalizer::StringNormalizer;
pub use tf_idf::TfIdfVectorizer;
pub use tokenizer::Tokenizer;

/// Ends each token.
const END: char = '\0';

/// Operators that hand a row's tokens on as they are.
const HANDING_ON: [&str; 4] = ["Flatten", "Identity", "Reshape", "Squeeze"];
