// What a Stream is made of; each kind is instantiated where its maker stands.
#pragma once

#include "davit/streams.hpp"
#include "engine/streams/follower.hpp"

#include <utility>

namespace davit {

template <typename T>
struct Stream<T>::Impl : Follower<T> {
    using Follower<T>::Follower;
};

template <typename T>
Stream<T>::Stream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
template <typename T>
Stream<T>::Stream(Stream&&) noexcept = default;
template <typename T>
Stream<T>& Stream<T>::operator=(Stream&&) noexcept = default;
template <typename T>
Stream<T>::~Stream() = default;

template <typename T>
int Stream<T>::fd() const noexcept {
    return impl_->channel().fd();
}

template <typename T>
std::optional<T> Stream<T>::next() {
    return impl_->channel().take();
}

template <typename T>
bool Stream<T>::done() const noexcept {
    return impl_->channel().done();
}

} // namespace davit
