#include "net/dns/cache.hpp"

#include <algorithm>

namespace davit::net::dns {

namespace {

constexpr std::size_t max_answer = 2048;
constexpr std::uint32_t max_ttl = 300; // a service that moves should be found again soon

void lower_ttl(std::string& answer, std::size_t at, std::uint32_t elapsed) {
    std::uint32_t ttl = 0;
    for (std::size_t i = 0; i < 4; ++i) ttl = ttl << 8 | static_cast<std::uint8_t>(answer[at + i]);
    ttl = ttl > elapsed ? ttl - elapsed : 0;
    for (std::size_t i = 4; i-- > 0; ttl >>= 8) answer[at + i] = static_cast<char>(ttl & 0xff);
}

} // namespace

std::optional<std::string> AnswerCache::find(const std::string& key, Clock::time_point now) {
    const auto it = entries_.find(key);
    if (it == entries_.end() || it->second.expires <= now) return std::nullopt;
    std::string answer = it->second.answer;
    const auto elapsed =
        static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(now - it->second.stored).count());
    for (const std::size_t at : it->second.ttl_offsets) lower_ttl(answer, at, elapsed);
    return answer;
}

void AnswerCache::insert(const std::string& key, std::string_view answer, const AnswerInfo& info,
                         Clock::time_point now) {
    const bool keep = info.min_ttl > 0 && !info.truncated && (info.rcode == rcode_ok || info.rcode == rcode_no_name);
    if (!keep || capacity_ == 0 || answer.size() > max_answer) return;
    const auto life = std::chrono::seconds(std::min(info.min_ttl, max_ttl));
    Entry entry{std::string(answer), info.ttl_offsets, now, now + life};
    if (const auto [it, fresh] = entries_.insert_or_assign(key, std::move(entry)); fresh) order_.push_back(it->first);
    while (entries_.size() > capacity_) {
        entries_.erase(order_.front());
        order_.pop_front();
    }
}

} // namespace davit::net::dns
