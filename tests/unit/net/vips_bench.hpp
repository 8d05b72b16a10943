#pragma once

namespace davit::net::lab {
void bench_vips(); // prints
}
