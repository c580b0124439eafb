//! Variables of the environment that nobody may read later, this process's own children and `/proc` included.

use std::ffi::CString;

use zeroize::Zeroizing;

use super::sys;

/// Takes the variable `name` out of this process's environment: its value, which afterwards stands neither there nor in
/// `/proc/self/environ`. To be called before the process has a second thread.
pub fn take_variable(name: &str) -> Option<Zeroizing<Vec<u8>>> {
    sys::take_variable(&CString::new(name).ok()?).map(Zeroizing::new)
}
