//! Where a Service's traffic goes: the addresses and ports of its pods, as EndpointSlices and as Endpoints.

mod classic;
mod slices;
mod target;

pub(crate) use classic::EndpointsController;
pub(crate) use slices::EndpointSliceController;
