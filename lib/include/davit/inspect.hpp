// Everything that is known of one container, image, network or volume: the document that `docker inspect` shows, as
// JSON text on one line, every key in Docker's order.
//
// Nothing here blocks but on the disk, or takes a lock; several threads may call at once. Errors: denied (not root),
// failed (the disk). Texts that containers and images made stand in it as they made them; only that it is UTF-8 is
// certain.
#pragma once

#include "davit/container.hpp"
#include "davit/engine.hpp"
#include "davit/image.hpp"

#include <functional>
#include <string>

#pragma GCC visibility push(default)
namespace davit {

// As docker shows it, with the whole environment, which may hold secrets; of a container that an older davit made, the
// values that come from the image and the names of the others. What cannot be read (it is being removed, or half of it
// is lost) is left out, with a warning: one line of text.
std::string inspect(Engine& engine, const ContainerInfo& container,
                    const std::function<void(const std::string&)>& warning = {});
std::string inspect(Engine& engine, const image::Image& image);
// With the containers of all projects that run on it.
std::string inspect(Engine& engine, const NetworkInfo& network);
std::string inspect(const VolumeInfo& volume);

} // namespace davit
#pragma GCC visibility pop
