// The first use of a volume: it takes what the image has there.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace davit::archive {

// Fills a volume's directory (…/NAME/_data, or one elsewhere that a driver option names) from what the image has at
// path_in_image, as copy_up() does, unless there is something in it or it is none. A filling that did not come to its
// end (a client that was killed, a full disk) is told by …/NAME/filling and gone on with; whoever comes meanwhile
// waits for it. more: adds to the open directory before it counts as filled.
void fill_volume(const std::vector<std::string>& layer_paths, const std::string& path_in_image,
                 const std::string& directory, const std::function<void(int directory)>& more = {});

} // namespace davit::archive
