//! The transport within the process keeps the contract.

use fieldgate_core::testing::transport::LoopbackFixture;

fieldgate_core::transport_contract!(LoopbackFixture);
