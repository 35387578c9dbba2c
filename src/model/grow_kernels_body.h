// Included once by the file of each instruction set, with GROVE__KERNELS and GROVE__KERNELS_NAME defined.
#include "model/grow_kernels.h"
#include "model/small_sort_body.h"
#include "model/small_body.h"
#include "model/histogram_body.h"
#include "model/scan_body.h"
#include "model/partition_body.h"
#include "model/exact_body.h"
#include "model/gradient_body.h"
#include "model/codes_body.h"

const grove__grow_kernels GROVE__KERNELS = {GROVE__KERNELS_NAME, grow_small, sort_small,
    histogram_add, histogram_more, histogram_subtract, scan_packed, partition, partition_column,
    partition_rank, collect_bins, exact_scan, exact_scan_all, exact_part, exact_part_all, largest,
    quantise, code_keys};
