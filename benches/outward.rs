//! Bounds in a few digits: still bounds.

/// At least the number.
pub fn up(number: f64, digits: i32) -> String {
    let unit = 10f64.powi(digits);
    format!("{:.*}", digits as usize, (number * unit).ceil() / unit)
}

/// At most the number.
pub fn down(number: f64, digits: i32) -> String {
    let unit = 10f64.powi(digits);
    format!("{:.*}", digits as usize, (number * unit).floor() / unit)
}
