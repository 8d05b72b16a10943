// Answers of upstream servers, kept as bytes for as long as their TTLs say.
#pragma once

#include "net/dns/message.hpp"

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace davit::net::dns {

class AnswerCache {
public:
    using Clock = std::chrono::steady_clock;
    explicit AnswerCache(std::size_t entries) : capacity_(entries) {}

    // The answer with its TTLs counted down; id and question are those of whoever asked first.
    std::optional<std::string> find(const std::string& key, Clock::time_point now);
    // Keeps it if it may be kept: a TTL above 0, NOERROR or NXDOMAIN, not truncated, not large.
    void insert(const std::string& key, std::string_view answer, const AnswerInfo& info, Clock::time_point now);
    std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        std::string answer;
        std::vector<std::size_t> ttl_offsets;
        Clock::time_point stored, expires;
    };
    std::size_t capacity_;
    std::unordered_map<std::string, Entry> entries_;
    std::deque<std::string> order_; // oldest first
};

} // namespace davit::net::dns
