package profile

// The events of the Segment e-commerce specification, version 2. Events that
// come under their version 1 names, such as "Viewed Product", are renamed to
// these when they are applied.
const (
	ProductsSearched           = "Products Searched"
	ProductListViewed          = "Product List Viewed"
	ProductListFiltered        = "Product List Filtered"
	PromotionViewed            = "Promotion Viewed"
	PromotionClicked           = "Promotion Clicked"
	ProductClicked             = "Product Clicked"
	ProductViewed              = "Product Viewed"
	ProductAdded               = "Product Added"
	ProductRemoved             = "Product Removed"
	CartViewed                 = "Cart Viewed"
	CheckoutStarted            = "Checkout Started"
	CheckoutStepViewed         = "Checkout Step Viewed"
	CheckoutStepCompleted      = "Checkout Step Completed"
	PaymentInfoEntered         = "Payment Info Entered"
	OrderUpdated               = "Order Updated"
	OrderCompleted             = "Order Completed"
	OrderRefunded              = "Order Refunded"
	OrderCancelled             = "Order Cancelled"
	CouponEntered              = "Coupon Entered"
	CouponApplied              = "Coupon Applied"
	CouponDenied               = "Coupon Denied"
	CouponRemoved              = "Coupon Removed"
	ProductAddedToWishlist     = "Product Added to Wishlist"
	ProductRemovedFromWishlist = "Product Removed from Wishlist"
	WishlistProductAddedToCart = "Wishlist Product Added to Cart"
	ProductShared              = "Product Shared"
	CartShared                 = "Cart Shared"
	ProductReviewed            = "Product Reviewed"
)

// Events of other parts of the Segment specification that the library reads.
const (
	ExperimentViewed = "Experiment Viewed"
	ConsentUpdated   = "Segment Consent Preference Updated"
)

// The kinds of keys that the decoders produce.
const (
	UserID      = "user_id"
	AnonymousID = "anonymous_id"
	Email       = "email"
	Phone       = "phone"
	LoyaltyID   = "loyalty_id"
)

// currentName maps a version 1 name of the e-commerce specification to its
// version 2 name and leaves every other name alone.
func currentName(name string) string {
	switch name {
	case "Searched Products":
		return ProductsSearched
	case "Viewed Product Category", "Viewed Product List":
		return ProductListViewed
	case "Filtered Product List":
		return ProductListFiltered
	case "Viewed Promotion":
		return PromotionViewed
	case "Clicked Promotion":
		return PromotionClicked
	case "Clicked Product":
		return ProductClicked
	case "Viewed Product":
		return ProductViewed
	case "Added Product":
		return ProductAdded
	case "Removed Product":
		return ProductRemoved
	case "Viewed Cart":
		return CartViewed
	case "Started Checkout", "Started Order":
		return CheckoutStarted
	case "Viewed Checkout Step":
		return CheckoutStepViewed
	case "Completed Checkout Step":
		return CheckoutStepCompleted
	case "Entered Payment Info":
		return PaymentInfoEntered
	case "Updated Order":
		return OrderUpdated
	case "Completed Order":
		return OrderCompleted
	case "Refunded Order":
		return OrderRefunded
	case "Cancelled Order":
		return OrderCancelled
	case "Entered Coupon":
		return CouponEntered
	case "Applied Coupon":
		return CouponApplied
	case "Denied Coupon":
		return CouponDenied
	case "Removed Coupon":
		return CouponRemoved
	case "Added Product to Wishlist", "Added to Wishlist":
		return ProductAddedToWishlist
	case "Removed Product from Wishlist", "Removed from Wishlist":
		return ProductRemovedFromWishlist
	case "Added Wishlist Product to Cart":
		return WishlistProductAddedToCart
	case "Shared Product":
		return ProductShared
	case "Shared Cart":
		return CartShared
	case "Reviewed Product":
		return ProductReviewed
	}
	return name
}
