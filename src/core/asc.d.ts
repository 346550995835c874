// The AssemblyScript types that the files shared with the core use (assembly/abi.ts,
// device/map.ts).
type i32 = number;
type u32 = number;
