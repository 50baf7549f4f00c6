//! Objects that are removed.

use super::object::{ObjectError, check_key};
use crate::platform::{Namespace, Platform};
use crate::service::Service;

impl<P: Platform> Service<'_, P> {
    /// Removes an object, if there is one. Who has loaded a model goes on with it.
    ///
    /// # Errors
    /// If the key is none, or the store fails.
    pub async fn delete_model(&self, key: &str) -> Result<(), ObjectError> {
        check_key(key)?;
        Ok(self.platform.delete(Namespace::Models, key).await?)
    }
}
