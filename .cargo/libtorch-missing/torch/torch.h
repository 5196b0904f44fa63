// The compiler looks here last. Without libtorch, its one complaint names the remedy; an #error would not stop it.
#if __has_include_next(<torch/torch.h>)
#include_next <torch/torch.h>
#else
#include "libtorch is missing: run `make libtorch`, or set LIBTORCH to yours, or build with --no-default-features"
#endif
