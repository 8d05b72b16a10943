#include "base/engine_words.hpp"

#include <fmt/format.h>
#include <string_view>

namespace davit {

std::string port_error_of_engine(const std::string& text, const std::string& container, const std::string& endpoint) {
    constexpr std::string_view bind = "Bind for ", taken = " failed: port is already allocated";
    const std::size_t at = text.find(taken), slash = text.rfind('/', at);
    if (!text.starts_with(bind) || at == std::string::npos || slash == std::string::npos) return text;
    const std::string_view by = std::string_view(text).substr(at + taken.size());
    const std::string_view place = std::string_view(text).substr(bind.size(), at - bind.size());
    const bool containers = by.empty() || by.starts_with(", by container ") || by.starts_with(", by service ") ||
                            by.starts_with(", by another line ");
    const std::string why = containers ? fmt::format("{}{}{}", bind, place.substr(0, slash - bind.size()), taken)
                                       : fmt::format("failed to bind host port {}: address already in use", place);
    return fmt::format("failed to set up container networking: driver failed programming external connectivity on "
                       "endpoint {} ({}): {}",
                       container, endpoint, why);
}

} // namespace davit
